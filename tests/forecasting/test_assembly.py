"""From model outputs to the forecast: sources, weights, reasons, records, and data for scoring."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from pba.forecasting import ForecastJob, ForecastResult, Query, members
from pba.forecasting.allocation import AllocationRequest, advise
from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import INITIAL_WEIGHTS, MODEL
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.stretch import Stretch
from pba.models.distribution import DecodedForecast, decode
from pba.models.ewma import Ewma
from pba.models.onnx import OnnxForecaster
from pba.types import HORIZONS, QUANTILES, Floats, History
from tests.forecasting.forecast_cases import (
    DATACENTER,
    HYBRID,
    INTERNET,
    MODELS,
    NOW,
    forecast,
    history,
    output,
    results,
    times_s,
)
from tests.toy import toy_onnx

HIGH = {INTERNET: OnnxForecaster(toy_onnx(INTERNET, peak=0.5))}  # predicts 1.6 times the last value
EWMA_LEADS = LinkRecord(weights=INITIAL_WEIGHTS | {MODEL: 0.05, "ewma": 0.85})


def constant(count: int = 60, mbps: float = 20.0) -> History:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps
    return History(times_s(count), telemetry)


def with_record(
    record: LinkRecord | None, fails: bool = False, given: History | None = None
) -> ForecastResult:
    query = Query(given or constant(), link_id="a", record=record)
    (result,) = results([query], {INTERNET: "model_unavailable"} if fails else {}, HIGH)
    return result


def weights(result: ForecastResult) -> dict[str, float]:
    return {member.name: member.weight for member in result.forecast.members}


def test_a_single_model_is_the_only_member():
    result = forecast(Query(history(60, rtt_ms=5.0, step_s=2.5), INTERNET, "a:b"))
    assert (result.source, result.model_version, result.mode) == ("model", "net-1", INTERNET)
    assert (result.link_id, result.reasons, result.step_s) == ("a:b", (), 2.5)
    assert (result.made_at, result.valid_until) == (NOW, NOW + timedelta(seconds=2.5))
    assert result.latency_ms == pytest.approx(5.0)
    assert (result.packet_loss, result.jitter_ms) == (None, None)
    (member,) = result.members
    assert (member.name, member.weight) == ("internet", 1.0)
    assert (member.bandwidth_mbps, member.confidence) == (result.bandwidth_mbps, result.confidence)


def test_a_model_forecast_is_its_decoded_distribution():
    query = Query(history(60), INTERNET)
    model = MODELS[INTERNET]
    prediction = model.predict(query.history.telemetry[None])
    decoded = decode(prediction.probabilities, prediction.level_mbps, model.bins)
    horizons = forecast(query).horizons
    assert [horizon.steps for horizon in horizons] == list(HORIZONS)
    for index, horizon in enumerate(horizons):
        assert horizon.bandwidth_mbps == pytest.approx(decoded.bandwidth_mbps[0, index])
        assert horizon.confidence == pytest.approx(decoded.confidence[0, index])
        assert horizon.quantiles_mbps == pytest.approx(decoded.quantiles_mbps[0, index])


def test_in_hybrid_mode_models_are_weighted_by_their_confidence():
    query = Query(history(60), HYBRID)
    result = forecast(query)
    assert (result.source, result.model_version) == ("ensemble", "dc-1+net-1")
    datacenter, internet = result.members
    assert (datacenter.name, internet.name) == ("datacenter", "internet")
    total = datacenter.confidence + internet.confidence
    assert datacenter.weight == pytest.approx(datacenter.confidence / total)
    assert datacenter.weight + internet.weight == pytest.approx(1.0)
    medians = [
        forecast(query, {other: "model_late"}).horizons[0].quantiles_mbps[QUANTILES.index(0.5)]
        for other in (DATACENTER, INTERNET)
    ]
    pooled = result.horizons[0].quantiles_mbps[QUANTILES.index(0.5)]
    assert min(medians) < pooled < max(medians)


@pytest.mark.parametrize(("failed", "version"), [(DATACENTER, "net-1"), (INTERNET, "dc-1")])
def test_if_one_of_two_models_fails_the_other_forecasts_alone_with_the_reason(failed, version):
    result = forecast(Query(history(60), HYBRID), {failed: "model_late"})
    assert (result.source, result.model_version) == ("model", version)
    assert result.reasons == ("model_late",)
    assert [member.weight for member in result.members] == [1.0]


def test_if_both_models_fail_the_forecast_is_heuristic_with_both_reasons():
    failures = {DATACENTER: "model_late", INTERNET: "model_unavailable"}
    result = forecast(Query(history(60, rtt_ms=30.0), HYBRID), failures)
    assert (result.source, result.model_version) == ("heuristic", None)
    assert result.reasons == ("model_late", "model_unavailable")
    assert [member.name for member in result.members] == [Ewma().name]
    assert result.bandwidth_mbps == pytest.approx(100.0, rel=0.05)
    assert result.latency_ms == pytest.approx(30.0)


def test_too_short_a_history_gets_a_heuristic_forecast():
    result = forecast(Query(history(2)))
    assert (result.source, result.reasons) == ("heuristic", ("short_history",))
    assert 0 < result.confidence < 1


def test_each_query_gets_its_own_row_of_the_output():
    rates = (30.0, 500.0, 70.0)
    points = [
        result.forecast.bandwidth_mbps
        for result in results([Query(history(60, mbps), INTERNET) for mbps in rates])
    ]
    for mbps, point in zip(rates, points, strict=True):
        alone = forecast(Query(history(60, mbps), INTERNET))
        assert point == pytest.approx(alone.bandwidth_mbps, rel=1e-6)
    assert points[1] / points[0] == pytest.approx(500 / 30, rel=0.1)


def test_an_output_is_decoded_once_however_many_queries_share_it(
    monkeypatch: pytest.MonkeyPatch,
):
    sizes = []

    def count(probabilities: Floats, *options: Any) -> DecodedForecast:
        sizes.append(len(probabilities))
        return decode(probabilities, *options)

    monkeypatch.setattr(members, "decode", count)
    results([Query(history(60, mbps), INTERNET, record=LinkRecord()) for mbps in (1.0, 2.0, 3.0)])
    assert sorted(sizes) == [3, 9], "the model's rows, and those of three simple forecasters"


def test_an_outage_is_forecast_to_last():
    down = History(times_s(60), np.tile([0.0, *[np.nan] * 4], (60, 1)))
    result = forecast(Query(down, INTERNET), {INTERNET: "model_unavailable"})
    assert result.bandwidth_mbps == 0.0
    assert result.horizons[0].quantiles_mbps[QUANTILES.index(0.5)] == 0.0


def test_the_validity_of_a_step_of_many_years_has_a_limit():
    times_s = np.array([0.0, 2e11])
    result = forecast(Query(History(times_s, history(2).telemetry)))
    assert result.valid_until == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_latency_loss_and_jitter_are_weighted_means_of_the_members_that_have_them():
    job = ForecastJob([Query(history(60), HYBRID)])
    outputs = [output([10.0, math.nan, math.nan], 0.9), output([40.0, 0.5, math.nan], 0.6)]
    (finished,) = job.finish(outputs, NOW)
    assert isinstance(finished, ForecastResult)
    result = finished.forecast
    assert result.latency_ms == pytest.approx((0.9 * 10 + 0.6 * 40) / 1.5)
    assert result.packet_loss == pytest.approx(0.5)
    assert result.jitter_ms is None


def test_advice_is_for_the_finished_forecast_if_it_is_requested():
    request = AllocationRequest(max_streams=4)
    result = forecast(Query(history(60), INTERNET, allocation=request))
    assert result.allocation == advise(result, request)
    assert forecast(Query(history(60), INTERNET)).allocation is None


def assert_has_quantiles(result: ForecastResult) -> None:
    """Those of simple forecasters that do not lead are not computed."""
    quantiles = [horizon.quantiles_mbps for horizon in result.horizons]
    assert np.isfinite(quantiles).all()


def test_without_a_record_the_model_is_the_only_expert():
    result = with_record(None)
    assert (result.forecast.source, weights(result)) == ("model", {"internet": 1.0})
    assert set(result.points_mbps) == {MODEL}


def test_with_a_record_all_experts_predict_and_the_leader_forecasts():
    result = with_record(LinkRecord())
    others = {"last_value": 0.0, "ewma": 0.0, "harmonic_mean": 0.0}
    assert (result.forecast.source, weights(result)) == ("model", {"internet": 1.0} | others)
    assert result.forecast.bandwidth_mbps == pytest.approx(33.0, rel=0.05)
    assert result.points_mbps["ewma"][0] == pytest.approx(20.0, rel=0.01)
    by_ewma = with_record(EWMA_LEADS)
    assert (by_ewma.forecast.source, by_ewma.forecast.model_version) == ("expert", None)
    assert weights(by_ewma) == {
        "ewma": 1.0,
        "internet": 0.0,
        "last_value": 0.0,
        "harmonic_mean": 0.0,
    }
    assert by_ewma.forecast.bandwidth_mbps == pytest.approx(20.0, rel=0.01)
    assert by_ewma.points_mbps == result.points_mbps
    assert_has_quantiles(by_ewma)


@pytest.mark.parametrize("record", [EWMA_LEADS, LinkRecord(), None])
def test_if_no_model_has_an_output_the_ewma_replaces_it(record: LinkRecord | None):
    result = with_record(record, fails=True)
    assert (result.forecast.source, result.forecast.members[0].name) == ("heuristic", "ewma")
    assert MODEL not in result.points_mbps
    assert_has_quantiles(result)


def test_a_leading_expert_forecasts_without_a_model_too():
    last_value = LinkRecord(weights=INITIAL_WEIGHTS | {MODEL: 0.05, "last_value": 0.85})
    result = with_record(last_value, given=constant(5))
    assert (result.forecast.source, result.forecast.members[0].name) == ("heuristic", "last_value")
    assert_has_quantiles(result)


def test_a_record_of_misses_lowers_the_confidence_and_is_a_reason():
    missed = replace(LinkRecord(), reliability=(Reliability(400.0, 40.0, 360.0),) * 3)
    result = with_record(missed, given=constant(mbps=4.7))  # the toy's confidence is lowest here
    assert result.forecast.confidence < result.confidence[0] - 0.05
    assert result.forecast.reasons == ("recent_misses",)
    assert with_record(LinkRecord()).forecast.reasons == ()


def test_a_record_stretches_the_quantiles_around_the_median():
    plain = with_record(LinkRecord()).forecast
    wide = replace(LinkRecord(), stretch=(Stretch(), Stretch(0.5, 0.3), *[Stretch()] * 4))
    forecast = with_record(wide).forecast
    assert forecast.horizons[0] == plain.horizons[0]
    before, after = (one.horizons[1].quantiles_mbps for one in (plain, forecast))
    assert after == Stretch(0.5, 0.3).apply(before)
    assert after[0] < before[0] < before[3] == after[3] < before[-1] < after[-1]


@pytest.mark.parametrize(("highest", "reasons"), [(400.0, ()), (410.0, ("out_of_range",))])
def test_a_rate_beyond_the_bins_is_a_reason(highest: float, reasons: tuple[str, ...]):
    telemetry = constant(mbps=1.0).telemetry
    telemetry[10:12, 0] = highest  # bins end at exp(6) = 403 times the level, here the last value
    result = with_record(None, given=History(times_s(60), telemetry))
    assert result.forecast.reasons == reasons


def test_a_result_has_the_time_of_the_newest_sample():
    assert with_record(None).after_s == NOW.timestamp()
