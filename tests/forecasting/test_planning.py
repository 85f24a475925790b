"""From queries to plans and model calls, and from outputs back to the place of each query."""

import numpy as np
import pytest

from pba.errors import InvalidHistory, InvalidSample
from pba.forecasting import ForecastJob, ForecastResult, Query, check_history
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.planning import plan_forecast
from pba.models import v1_features
from pba.rollout import Arm, Flags
from pba.telemetry.window_readings import read_window
from pba.telemetry.windows import GAP_INTERVALS
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


def plan_of(query, flags=None, gap_intervals=GAP_INTERVALS):
    reading = read_window(query.history, 60, gap_intervals)
    return plan_forecast(query, reading, flags or Flags())


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_samples_are_refused(count):
    with pytest.raises(InvalidHistory, match=f"history has {count} samples.*at least 2") as caught:
        check_history(history(count))
    assert caught.value.field == "history"
    (error,) = ForecastJob([Query(history(count))]).finish([], NOW)
    assert isinstance(error, InvalidHistory)


def test_two_samples_are_enough_for_a_forecast():
    check_history(history(2))
    assert plan_of(Query(history(2))).models == ()


@pytest.mark.parametrize(
    ("mode", "count", "models", "reasons"),
    [
        (DATACENTER, 29, (), ("short_history",)),
        (DATACENTER, 30, (DATACENTER,), ()),
        (INTERNET, 59, (), ("short_history",)),
        (INTERNET, 60, (INTERNET,), ()),
        (HYBRID, 29, (), ("short_history",)),
        (HYBRID, 30, (DATACENTER,), ("short_history",)),
        (HYBRID, 60, (DATACENTER, INTERNET), ()),
        (INTERNET, 500, (INTERNET,), ()),
    ],
)
def test_a_model_is_called_if_the_history_fills_its_window(mode, count, models, reasons):
    plan = plan_of(Query(history(count), mode))
    assert (plan.mode, plan.models, plan.reasons) == (mode, models, reasons)
    assert len(plan.window) == min(count, 60)


@pytest.mark.parametrize(
    ("bandwidth_mbps", "rtt_ms", "mode"),
    [(5000.0, 1.0, DATACENTER), (50.0, 1.0, INTERNET), (5000.0, 20.0, HYBRID)],
)
def test_a_mode_that_is_not_given_is_detected(bandwidth_mbps, rtt_ms, mode):
    assert plan_of(Query(history(60, bandwidth_mbps, rtt_ms))).mode is mode


def test_without_mode_detection_the_default_is_internet_and_a_given_mode_is_kept():
    flags = Flags(enable_mode_detection=False)
    assert plan_of(Query(history(60, 5000.0, 1.0)), flags).mode is INTERNET
    assert plan_of(Query(history(60, 5000.0, 1.0), DATACENTER), flags).mode is DATACENTER


@pytest.mark.parametrize("mode", [None, HYBRID])
def test_without_hybrid_mode_a_borderline_link_is_an_internet_link(mode):
    plan = plan_of(Query(history(60, 5000.0, 20.0), mode), Flags(enable_hybrid_mode=False))
    assert (plan.mode, plan.models) == (INTERNET, (INTERNET,))


def test_the_flags_choose_the_arm_unless_the_query_names_one():
    flags = Flags(force_v1_mode=True)
    query = Query(history(60), INTERNET, "a", LinkRecord())
    plan = plan_of(query, flags)
    assert (plan.arm, plan.models, plan.record) == (Arm.V1, ("v1",), None)
    plan = plan_of(Query(history(60), INTERNET, "a", query.record, arm=Arm.V3), flags)
    assert (plan.arm, plan.models, plan.record) == (Arm.V3, (INTERNET,), query.record)


def test_only_samples_after_the_last_gap_are_used():
    whole = history(60)
    times_s = whole.timestamps_s.copy()
    times_s[:20] -= 100.0
    plan = plan_of(Query(History(times_s, whole.telemetry), DATACENTER))
    assert (len(plan.window), plan.models) == (40, (DATACENTER,))
    plan = plan_of(Query(History(times_s, whole.telemetry), INTERNET))
    assert (plan.models, plan.reasons) == ((), ("short_history",))


def test_a_longer_gap_may_be_allowed():
    whole = history(60)
    times_s = whole.timestamps_s.copy()
    times_s[:20] -= 100.0
    query = Query(History(times_s, whole.telemetry), INTERNET)
    assert len(plan_of(query, gap_intervals=102.0).window) == 60
    assert len(plan_of(query, gap_intervals=100.0).window) == 40


def test_a_single_sample_after_a_gap_is_used_with_the_one_before():
    times_s = np.append(np.arange(60.0), 5000.0)
    plan = plan_of(Query(History(times_s, history(61).telemetry), DATACENTER))
    assert plan.window.timestamps_s.tolist() == [59.0, 5000.0]
    assert (plan.step_s, plan.models) == (4941.0, ())
    assert plan.reasons == ("short_history",)


def test_an_irregular_window_is_used_and_reported():
    times_s = np.arange(60.0)
    for lost in (15, 30, 45):
        times_s[lost:] += 2.0
    plan = plan_of(Query(History(times_s, history(60).telemetry), INTERNET))
    assert (plan.models, plan.reasons, plan.step_s) == ((INTERNET,), ("irregular_window",), 1.0)


@pytest.mark.parametrize(("factor", "reasons"), [(1.45, ()), (1.55, ("unstable_window",))])
def test_a_window_whose_rate_moves_by_half_each_step_is_unstable(factor, reasons):
    telemetry = history(60).telemetry.copy()
    telemetry[:, 0] = np.where(np.arange(60) % 2, 100.0, 100.0 * factor)
    plan = plan_of(Query(History(np.arange(60.0), telemetry), INTERNET))
    assert plan.reasons == reasons
    assert plan.models == (INTERNET,)
    short = plan_of(Query(History(np.arange(20.0), telemetry[:20]), INTERNET))
    assert short.reasons == ("short_history",), "no model sees this window"


def test_each_model_is_called_once_with_the_windows_of_all_its_plans():
    modes = [DATACENTER, HYBRID, INTERNET, DATACENTER, DATACENTER]
    queries = [Query(history(60, 10.0 + row), mode) for row, mode in enumerate(modes)]
    calls = ForecastJob(queries).calls
    assert [(call.model, call.plans) for call in calls] == [
        (DATACENTER, (0, 1, 3, 4)),
        (INTERNET, (1, 2)),
    ]
    assert [call.telemetry.shape for call in calls] == [(4, 30, 5), (2, 60, 5)]
    for call in calls:
        assert call.telemetry.dtype == np.float32
        for position, row in enumerate(call.plans):
            window = queries[row].history.telemetry[-call.telemetry.shape[1] :]
            np.testing.assert_array_equal(call.telemetry[position], window.astype(np.float32))


def test_v1_is_called_with_its_own_features():
    given = history(60)
    (call,) = ForecastJob([Query(given, INTERNET)], Flags(force_v1_mode=True)).calls
    last = given.last(v1_features.WINDOW)
    expected = v1_features.features(last.timestamps_s, last.telemetry)
    np.testing.assert_array_equal(call.telemetry[0], expected.astype(np.float32))


def test_plans_without_models_need_no_calls():
    assert ForecastJob([Query(history(5))]).calls == []


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
