"""Outcomes of a mode's models are chosen, packed, and read again."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from pba.errors import InvalidInput
from pba.rollout import Arm
from pba.scoring.codes import ARMS, SOURCES
from pba.scoring.mode_outcomes import ModeOutcomes, mode_outcomes
from tests.scoring.batches import CREATED_US, forecast_table, outcome_table

RATES = st.floats(0, 2**30, width=32)


@given(st.data(), st.integers(0, 5))
def test_what_is_packed_is_read_again(data: st.DataObject, count: int):
    created_us = data.draw(arrays(np.int64, count))
    rates = [data.draw(arrays(np.float64, count, elements=RATES)) for _ in range(5)]
    hit = data.draw(arrays(np.bool_, count))
    body = ModeOutcomes(created_us, *rates, hit).to_bytes()
    assert len(body) == 1 + 29 * count
    twice = ModeOutcomes.from_bytes([body, body])
    for name, values in zip(ModeOutcomes.__slots__, (created_us, *rates, hit), strict=True):
        assert getattr(twice, name).tolist() == [*values.tolist()] * 2


def test_a_body_of_another_release_is_refused():
    with pytest.raises(InvalidInput, match="Another release"):
        ModeOutcomes.from_bytes([b"\x02" + bytes(29)])


def test_only_v3_models_one_step_ahead_count_in_the_order_of_the_forecasts():
    forecasts = forecast_table(
        6,
        created_us=CREATED_US + np.array([5, 4, 3, 2, 1, 0]),
        arm=[1, 1, ARMS.index(Arm.V1), 1, 1, 1],
        source=[0, 1, 0, SOURCES.index("heuristic"), SOURCES.index("expert"), 0],
        mode=[1, 1, 1, 1, 1, 0],
        served=[False, True, True, True, True, True],
    )
    by_mode = mode_outcomes(forecasts, outcome_table(range(6)))
    assert sorted(by_mode) == [0, 1]
    internet = by_mode[1]
    assert internet.created_us.tolist() == [CREATED_US + 4, CREATED_US + 5]
    assert internet.actual_mbps.tolist() == [95.0, 95.0]
    assert (internet.low_mbps[0], internet.high_mbps[0]) == (90.0, 110.0)
    assert internet.confidence.tolist() == [0.8, 0.8]
    assert mode_outcomes(forecasts, outcome_table(range(6), target=1)) == {}
