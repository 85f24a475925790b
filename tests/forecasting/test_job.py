"""The one way from queries to forecasts: refused queries keep their places among the others."""

import numpy as np
import pytest

from pba.errors import InvalidHistory, InvalidSample
from pba.forecasting import ForecastJob, ForecastResult, Query
from pba.rollout import Arm, Flags
from pba.types import History
from tests.forecasting.forecast_cases import (
    DATACENTER,
    HYBRID,
    INTERNET,
    NOW,
    history,
    results,
    run,
)


def test_results_are_in_the_order_of_the_queries():
    modes = [INTERNET, DATACENTER, None, HYBRID, INTERNET]
    counts = [60, 30, 3, 60, 10]
    queries = [
        Query(history(count, 10.0 * (row + 1)), mode, f"link-{row}")
        for row, (count, mode) in enumerate(zip(counts, modes, strict=True))
    ]
    together = results(queries)
    assert [result.forecast.link_id for result in together] == [f"link-{row}" for row in range(5)]
    for result, query in zip(together, queries, strict=True):
        (alone,) = results([query])
        assert result.forecast.source == alone.forecast.source
        assert result.forecast.bandwidth_mbps == pytest.approx(
            alone.forecast.bandwidth_mbps, rel=1e-6
        )


def test_an_error_stays_in_its_place_and_costs_the_others_nothing():
    refused = InvalidSample("packet_loss is 7", "history[0].packet_loss")
    job = ForecastJob([Query(history(60, 20.0)), refused, Query(history(1)), Query(history(60))])
    assert [call.plans for call in job.calls] == [(0, 1)]
    first, second, third, fourth = job.finish(run(job.calls), NOW)
    assert isinstance(first, ForecastResult)
    assert isinstance(fourth, ForecastResult)
    assert second is refused
    assert isinstance(third, InvalidHistory)
    assert (first.forecast.made_at, fourth.forecast.made_at) == (NOW, NOW)


def test_flags_and_gap_reach_the_plans():
    whole = history(60, 20.0)
    times_s = whole.timestamps_s.copy()
    times_s[:30] -= 100.0
    query = Query(History(times_s, whole.telemetry), INTERNET)
    assert ForecastJob([query]).calls == []
    (call,) = ForecastJob([query], gap_intervals=200.0).calls
    np.testing.assert_allclose(call.telemetry[0], whole.telemetry.astype(np.float32))
    job = ForecastJob([query], Flags(force_v1_mode=True))
    (result,) = job.finish(run(job.calls), NOW)
    assert isinstance(result, ForecastResult)
    assert ([call.model for call in job.calls], result.arm) == (["v1"], Arm.V1)


def test_no_queries_need_no_calls_and_have_no_results():
    job = ForecastJob([])
    assert (job.calls, job.finish([], NOW)) == ([], [])
