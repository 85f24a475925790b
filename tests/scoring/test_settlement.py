"""Open forecasts are matched with the samples after them, up to a gap."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.forecasting.link_record import LinkRecord
from pba.scoring import OpenForecast, Settlement, settle
from pba.types import HORIZONS
from tests.scoring.builders import SECOND_US, open_forecast


def settle_at(
    forecasts: list[OpenForecast], seconds: Sequence[int], mbps: list[float] | None = None
) -> Settlement:
    at_us = np.array(seconds) * SECOND_US
    return settle(forecasts, at_us, np.array(mbps or [100.0] * len(seconds)), LinkRecord())


def test_the_actual_n_steps_ahead_is_the_nth_sample_after_the_newest_one_used():
    settlement = settle_at([open_forecast()], range(17), [float(mbps) for mbps in range(90, 107)])
    actuals = [(outcome.steps, outcome.actual_mbps) for outcome in settlement.outcomes]
    assert actuals == [(1, 91.0), (5, 95.0), (15, 105.0)]
    assert settlement.closed == (1,)


def test_a_forecast_stays_open_until_its_last_horizon():
    first = settle_at([open_forecast()], range(15))
    assert [outcome.steps for outcome in first.outcomes] == [1, 5]
    assert first.closed == ()
    second = settle_at([open_forecast(settled=frozenset({1, 5}))], range(16))
    assert [outcome.steps for outcome in second.outcomes] == [15]
    assert second.closed == (1,)


def test_horizons_behind_a_gap_are_not_scored_and_the_forecast_is_closed():
    settlement = settle_at([open_forecast()], [0, 1, 2, 40, 41, 42, 43])
    assert [outcome.steps for outcome in settlement.outcomes] == [1]
    assert settlement.closed == (1,)
    silent = settle_at([open_forecast()], [0, 11])
    assert (silent.outcomes, silent.closed) == ((), (1,))


def test_a_gap_is_longer_than_its_limit():
    exactly = settle_at([open_forecast()], [0, 10])
    assert ([outcome.steps for outcome in exactly.outcomes], exactly.closed) == ([1], ())


def test_outcomes_update_the_record_in_the_order_of_their_actuals():
    settlement = settle_at([open_forecast(2, after=4), open_forecast(1, after=0)], range(21))
    order = [(outcome.at_us // SECOND_US, outcome.forecast.id) for outcome in settlement.outcomes]
    assert order == [(1, 1), (5, 2), (5, 1), (9, 2), (15, 1), (19, 2)]
    record = settlement.record
    assert record.scored == record.hits == 2
    assert record.weights["last_value"] < 0.05 < 0.85 < record.weights["model"]
    assert record.reliability[1].outcomes == pytest.approx(1.998)


@given(steps=st.lists(st.integers(1, 14), min_size=1, max_size=30), after=st.integers(0, 29))
def test_matching_agrees_with_a_plain_loop(steps: list[int], after: int):
    seconds = np.cumsum(steps).tolist()
    start = seconds[min(after, len(seconds) - 1)]
    settlement = settle_at([open_forecast(after=start)], seconds)
    expected, closed, last = [], False, start
    for count, second in enumerate([at for at in seconds if at > start][:15], start=1):
        if second - last > 10:
            closed = True
            break
        if count in HORIZONS:
            expected.append((count, second))
        closed, last = count == 15, second
    actual = [(outcome.steps, outcome.at_us // SECOND_US) for outcome in settlement.outcomes]
    assert actual == expected
    assert settlement.closed == ((1,) if closed else ())


def test_an_actual_that_the_next_sample_shows_to_be_an_outlier_is_not_scored():
    before, after = list(range(-40, 1)), list(range(1, 17))
    mbps = [100.0] * 41 + [4349.0] + [100.0] * 15
    waiting = settle_at([open_forecast()], before + after[:1], mbps[:42])
    assert (waiting.outcomes, waiting.closed) == ((), ()), "it may be a new level"
    settlement = settle_at([open_forecast()], before + after, mbps)
    assert [outcome.steps for outcome in settlement.outcomes] == [5, 15]
    assert settlement.closed == (1,)


def test_an_actual_of_a_new_level_is_scored_once_the_next_sample_shows_it():
    seconds = list(range(-40, 3))
    mbps = [100.0] * 41 + [400.0, 410.0]
    settlement = settle_at([open_forecast()], seconds, mbps)
    assert [(outcome.steps, outcome.actual_mbps) for outcome in settlement.outcomes] == [(1, 400.0)]


def test_a_sample_soon_after_the_newest_belongs_to_its_step():
    """A second agent reports a fifth of a step later; an actual is the mean of both."""
    seconds = [0.0, 0.2, 1.0, 1.2, 2.0, 2.2]
    at_us = np.round(np.array(seconds) * SECOND_US).astype(np.int64)
    mbps = np.array([100.0, 90.0, 80.0, 70.0, 60.0, 50.0])
    settlement = settle([open_forecast()], at_us, mbps, LinkRecord())
    assert [(one.steps, one.actual_mbps) for one in settlement.outcomes] == [(1, 75.0)]
