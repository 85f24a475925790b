"""Answers about transfers, from forecasts with intervals and without."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidRequest
from pba.forecasting import Query
from pba.forecasting.transfer import forecast_transfer, forecast_transfers
from pba.forecasting.transfer_request import TransferRequest
from pba.types import INTERVALS, Forecast, HorizonForecast, IntervalForecast
from pba.types.transfer import TransferForecast
from tests.forecasting.forecast_cases import forecast, history

FACTORS = (0.5, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5)
BYTES = 10**9  # 8000 Mb


def steady(rate_mbps: float = 100.0, factors: tuple[float, ...] = FACTORS) -> Forecast:
    """Return a forecast in which all means are spread alike around ``rate_mbps``."""
    quantiles_mbps = tuple(rate_mbps * factor for factor in factors)
    horizons = tuple(HorizonForecast(steps, rate_mbps, 0.8, quantiles_mbps) for steps in (1, 5, 15))
    intervals = tuple(IntervalForecast(n, rate_mbps, 0.8, quantiles_mbps) for n in INTERVALS)
    whole = forecast(Query(history(80)))
    return replace(whole, horizons=horizons, intervals=intervals, step_s=2.0)


def test_durations_are_the_size_over_the_mean_rates():
    result = forecast_transfer(steady(), TransferRequest(BYTES // 2))
    np.testing.assert_allclose(result.duration_s, [40 / one for one in FACTORS[::-1]], rtol=1e-6)
    assert (result.probability_in_time, result.precopy) == (None, None)
    assert "no_intervals" not in result.reasons


@pytest.mark.parametrize(
    ("deadline_s", "advice"), [(200.0, "start"), (80.0, "uncertain"), (40.0, "wait")]
)
def test_the_deadline_decides_the_advice(deadline_s: float, advice: str):
    result = forecast_transfer(steady(), TransferRequest(BYTES, deadline_s))
    assert result.advice == advice


def test_a_later_deadline_is_more_probably_kept():
    chances = [
        forecast_transfer(steady(), TransferRequest(BYTES, deadline_s)).probability_in_time
        for deadline_s in (20.0, 40.0, 60.0, 80.0, 100.0, 400.0)
    ]
    assert chances == sorted(chances)
    assert chances[3] == pytest.approx(0.5, abs=0.01)


def test_a_migration_takes_longer_the_more_is_written_meanwhile():
    calm, busy, still = (
        forecast_transfer(steady(), TransferRequest(BYTES, dirty_mbps=dirty_mbps))
        for dirty_mbps in (10.0, 30.0, 0.0)
    )
    assert still.duration_s[3] < calm.duration_s[3] < busy.duration_s[3]
    assert busy.precopy is not None
    assert busy.precopy.rounds is not None
    assert busy.precopy.downtime_s is not None
    assert busy.precopy.rounds > 2
    assert 0.0 < busy.precopy.downtime_s[3] <= 0.3


def test_a_migration_that_writes_faster_than_the_link_does_not_converge():
    result = forecast_transfer(steady(), TransferRequest(BYTES, 1e6, 200.0))
    assert result.precopy is not None
    assert (result.precopy.probability_converges, result.precopy.rounds) == (0.0, None)
    assert (result.probability_in_time, result.advice) == (0.0, "wait")
    assert math.isinf(result.duration_s[0])
    assert result.as_dict()["duration_s"]["0.05"] is None


def test_a_forecast_of_horizons_alone_answers_and_names_that():
    result = forecast_transfer(replace(steady(), intervals=()), TransferRequest(BYTES))
    assert result.duration_s[3] == pytest.approx(80.0)
    assert "no_intervals" in result.reasons


def test_what_outlasts_the_longest_interval_is_named():
    assert "beyond_intervals" in forecast_transfer(steady(), TransferRequest(2 * BYTES)).reasons
    assert "beyond_intervals" not in forecast_transfer(steady(), TransferRequest(10**8)).reasons


def test_a_link_in_outage_has_durations_without_an_end():
    out = forecast_transfer(steady(factors=(0.0,) * 3 + FACTORS[3:]), TransferRequest(BYTES))
    assert np.isinf(out.duration_s[4:]).all()
    assert np.isfinite(out.duration_s[:4]).all()
    assert out.advice == "uncertain"


@pytest.mark.parametrize("values", [(10, None, None), (BYTES, 60.0, 10.0), (BYTES, 60.0, 500.0)])
def test_the_wire_form_reads_back(values: tuple[int, float | None, float | None]):
    result = forecast_transfer(steady(), TransferRequest(*values))
    body = json.loads(json.dumps(result.as_dict()))
    assert TransferForecast.from_dict(body) == result
    del body["duration_s"]["0.5"]
    with pytest.raises(ValueError, match="levels"):
        TransferForecast.from_dict(body)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ((0,), "bytes"),
        ((1.5,), "bytes"),
        ((True,), "bytes"),
        ((10**19,), "bytes"),
        ((1, 0.0), "deadline_s"),
        ((1, math.nan), "deadline_s"),
        ((1, True), "deadline_s"),
        ((1, None, -1.0), "dirty_mbps"),
        ((1, None, math.inf), "dirty_mbps"),
        ((1, None, "3"), "dirty_mbps"),
    ],
)
def test_values_that_break_a_rule_are_refused(values: tuple[int, ...], field: str):
    with pytest.raises(InvalidRequest, match=field) as caught:
        TransferRequest(*values)
    assert caught.value.field == field


def test_many_answers_are_those_of_each_alone():
    links = [steady(), steady(20.0), replace(steady(), intervals=()), steady(3000.0)] * 3
    requests = [
        TransferRequest(BYTES * (1 + index), 500.0 if index % 2 else None, dirty_mbps)
        for index, dirty_mbps in enumerate([None, 5.0, None, 400.0, 10.0, None] * 2)
    ]
    together = forecast_transfers(links, requests)
    assert together == list(map(forecast_transfer, links, requests))


levels = st.lists(st.just(0.0) | st.floats(1e-6, 1e7), min_size=7, max_size=7).map(sorted)


@given(
    st.lists(levels, min_size=3, max_size=3),
    st.lists(levels, max_size=3),
    st.floats(1e-3, 1e6),
    st.integers(1, 10**18),
    st.none() | st.floats(0.0, 1e9, exclude_min=True),
    st.none() | st.floats(0.0, 1e7),
)
def test_every_forecast_has_an_answer(
    rates: list[list[float]],
    means: list[list[float]],
    step_s: float,
    size: int,
    deadline_s: float | None,
    dirty_mbps: float | None,
):
    link = replace(
        WHOLE,
        step_s=step_s,
        horizons=tuple(
            replace(one, quantiles_mbps=tuple(row))
            for one, row in zip(WHOLE.horizons, rates, strict=True)
        ),
        intervals=tuple(
            IntervalForecast(steps, row[3], 0.5, tuple(row))
            for steps, row in zip(INTERVALS, means, strict=False)
        ),
    )
    answer = forecast_transfer(link, TransferRequest(size, deadline_s, dirty_mbps))
    assert list(answer.duration_s) == sorted(answer.duration_s)
    assert answer.duration_s[0] >= 0.0
    if answer.probability_in_time is not None:
        assert 0.0 <= answer.probability_in_time <= 1.0
    if answer.precopy is not None and answer.precopy.downtime_s is not None:
        assert np.isfinite(answer.precopy.downtime_s).all()
    assert answer.advice in ("start", "wait", "uncertain")


WHOLE = forecast(Query(history(80)))
