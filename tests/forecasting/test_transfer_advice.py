"""Advice for a whole transfer: it rests on the mean rate over it."""

from dataclasses import replace

import pytest

from pba.forecasting import Query
from pba.forecasting.allocation import AllocationRequest, advise
from pba.types import INTERVALS, Forecast, IntervalForecast
from tests.forecasting.forecast_cases import forecast, history


def means(*rates_mbps: float) -> Forecast:
    """Return a forecast with ``rates_mbps`` at each level of every mean, and 1 Mbps at a step."""
    intervals = tuple(IntervalForecast(steps, 1.0, 0.8, rates_mbps) for steps in INTERVALS)
    whole = forecast(Query(history(80)))
    horizons = tuple(replace(one, quantiles_mbps=(1.0,) * 7) for one in whole.horizons)
    return replace(whole, horizons=horizons, intervals=intervals)


@pytest.mark.parametrize(
    "transfer", [{"duration_s": 10.0}, {"duration_s": 59.0}, {"bytes": 10_000_000}]
)
def test_advice_for_a_transfer_rests_on_its_mean_rate(transfer):
    link = means(5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0)
    for level, rate_mbps in ((0.1, 6.0), (0.5, 8.0)):
        advice = advise(link, AllocationRequest(quantile=level, **transfer))
        assert advice.safe_rate_mbps == pytest.approx(rate_mbps)


def test_advice_for_a_transfer_that_may_never_end_keeps_the_link_probed():
    advice = advise(means(0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0), AllocationRequest(bytes=10**9))
    assert (advice.safe_rate_mbps, advice.pacing_total_mbps) == (0.0, 1.0)
