"""From a query to a forecast: which models are asked, who speaks in the end, what is said of it."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pba.errors import InvalidHistory
from pba.forecasting.assembly import assemble
from pba.forecasting.planning import (
    ForecastPlan,
    ModelFailure,
    ModelOutput,
    Query,
    model_calls,
    plan,
)
from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.models.ewma import Ewma
from pba.models.onnx import OnnxForecaster
from pba.types import HORIZONS, QUANTILES, Forecast, History, NetworkMode
from tests.toy import toy_onnx

DATACENTER, INTERNET, HYBRID = NetworkMode.DATACENTER, NetworkMode.INTERNET, NetworkMode.HYBRID
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODELS = {
    DATACENTER: OnnxForecaster(toy_onnx(DATACENTER, "dc-1")),
    INTERNET: OnnxForecaster(toy_onnx(INTERNET, "net-1", peak=0.4)),
}


def history(
    count: int, bandwidth_mbps: float = 100.0, rtt_ms: float = math.nan, step_s: float = 1.0
) -> History:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = bandwidth_mbps * (1 + 0.01 * np.sin(np.arange(count)))
    telemetry[:, 1] = rtt_ms
    return History(1e9 + step_s * np.arange(count), telemetry)


def answered(
    plans: list[ForecastPlan], absent: dict[NetworkMode, str] | None = None
) -> list[Forecast]:
    """Return the forecasts when every model answers but those in ``absent``."""
    away = absent or {}
    asked = model_calls(plans)
    answers = [
        ModelFailure(away[batch.model])
        if batch.model in away
        else ModelOutput(
            MODELS[batch.model].version,
            MODELS[batch.model].bins,
            MODELS[batch.model].predict(batch.telemetry),
        )
        for batch in asked
    ]
    return [made.forecast for made in assemble(plans, asked, answers, NOW)]


def one(query: Query, absent: dict[NetworkMode, str] | None = None) -> Forecast:
    (forecast,) = answered([plan(query)], absent)
    return forecast


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_samples_are_refused(count):
    with pytest.raises(InvalidHistory, match=f"history has {count} samples.*at least 2") as caught:
        plan(Query(history(count)))
    assert caught.value.field == "history"


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
def test_a_model_is_asked_when_the_history_fills_its_window(mode, count, models, reasons):
    planned = plan(Query(history(count), mode))
    assert (planned.mode, planned.models, planned.reasons) == (mode, models, reasons)
    assert len(planned.window) == min(count, 60)


@pytest.mark.parametrize(
    ("bandwidth_mbps", "rtt_ms", "mode"),
    [(5000.0, 1.0, DATACENTER), (50.0, 1.0, INTERNET), (5000.0, 20.0, HYBRID)],
)
def test_a_mode_that_is_not_given_is_detected(bandwidth_mbps, rtt_ms, mode):
    assert plan(Query(history(60, bandwidth_mbps, rtt_ms))).mode is mode


def test_only_what_came_after_the_last_gap_is_used():
    whole = history(60)
    times = whole.timestamps_s.copy()
    times[:20] -= 100.0
    planned = plan(Query(History(times, whole.telemetry), DATACENTER))
    assert (len(planned.window), planned.models) == (40, (DATACENTER,))
    planned = plan(Query(History(times, whole.telemetry), INTERNET))
    assert (planned.models, planned.reasons) == ((), ("short_history",))


def test_a_lone_sample_after_a_gap_is_taken_with_the_one_before():
    times = np.append(np.arange(60.0), 5000.0)
    found = plan(Query(History(times, history(61).telemetry), DATACENTER))
    assert found.window.timestamps_s.tolist() == [59.0, 5000.0]
    assert (found.step_s, found.models) == (4941.0, ())
    assert found.reasons == ("short_history",)


def test_an_irregular_window_is_used_and_said_so():
    times = np.arange(60.0)
    times[30:] += 2.0
    found = plan(Query(History(times, history(60).telemetry), INTERNET))
    assert (found.models, found.reasons, found.step_s) == ((INTERNET,), ("irregular_window",), 1.0)


@pytest.mark.parametrize(("factor", "reasons"), [(1.45, ()), (1.55, ("unstable_window",))])
def test_a_window_whose_rate_moves_by_half_each_step_is_unstable(factor, reasons):
    telemetry = history(60).telemetry.copy()
    telemetry[:, 0] = np.where(np.arange(60) % 2, 100.0, 100.0 * factor)
    found = plan(Query(History(np.arange(60.0), telemetry), INTERNET))
    assert found.reasons == reasons
    assert found.models == (INTERNET,)
    short = plan(Query(History(np.arange(20.0), telemetry[:20]), INTERNET))
    assert short.reasons == ("short_history",), "which says enough of a window that no model sees"


def test_batches_hold_each_models_windows_and_at_most_as_many_as_asked():
    modes = [DATACENTER, HYBRID, INTERNET, DATACENTER, DATACENTER]
    plans = [plan(Query(history(60, 10.0 + row), mode)) for row, mode in enumerate(modes)]
    found = model_calls(plans, most=3)
    assert [(batch.model, batch.plans) for batch in found] == [
        (DATACENTER, (0, 1, 3)),
        (DATACENTER, (4,)),
        (INTERNET, (1, 2)),
    ]
    assert [batch.telemetry.shape for batch in found] == [(3, 30, 5), (1, 30, 5), (2, 60, 5)]
    for batch in found:
        for position, row in enumerate(batch.plans):
            window = plans[row].window.telemetry[-batch.telemetry.shape[1] :]
            np.testing.assert_allclose(batch.telemetry[position], window.astype(np.float32))


def test_plans_that_no_model_can_answer_make_no_batch():
    assert model_calls([plan(Query(history(5)))]) == []
    assert model_calls([]) == []


def test_one_model_speaks_for_itself():
    said = one(Query(history(60, rtt_ms=5.0, step_s=2.5), INTERNET, "a:b"))
    assert (said.source, said.model_version, said.mode) == ("model", "net-1", INTERNET)
    assert (said.link_id, said.reasons, said.step_s) == ("a:b", (), 2.5)
    assert (said.made_at, said.valid_until) == (NOW, NOW + timedelta(seconds=2.5))
    assert (said.latency_ms, said.packet_loss, said.jitter_ms) == (pytest.approx(5.0), None, None)
    (member,) = said.members
    assert (member.name, member.weight) == ("internet", 1.0)
    assert (member.bandwidth_mbps, member.confidence) == (said.bandwidth_mbps, said.confidence)


def test_a_model_forecast_is_what_its_distribution_says():
    query = Query(history(60), INTERNET)
    said = one(query)
    model = MODELS[INTERNET]
    raw = model.predict(query.history.telemetry[None])
    read = decode(raw.probabilities, raw.level_mbps, model.bins)
    assert [horizon.steps for horizon in said.horizons] == list(HORIZONS)
    for index, horizon in enumerate(said.horizons):
        assert horizon.bandwidth_mbps == pytest.approx(read.bandwidth_mbps[0, index])
        assert horizon.confidence == pytest.approx(read.confidence[0, index])
        assert horizon.quantiles_mbps == pytest.approx(read.quantiles_mbps[0, index])


def test_in_hybrid_mode_both_speak_by_their_confidence():
    query = Query(history(60), HYBRID)
    said = one(query)
    assert (said.source, said.model_version) == ("ensemble", "dc-1+net-1")
    datacenter, internet = said.members
    assert (datacenter.name, internet.name) == ("datacenter", "internet")
    total = datacenter.confidence + internet.confidence
    assert datacenter.weight == pytest.approx(datacenter.confidence / total)
    assert datacenter.weight + internet.weight == pytest.approx(1.0)
    medians = [
        one(query, {other: "model_late"}).horizons[0].quantiles_mbps[QUANTILES.index(0.5)]
        for other in (DATACENTER, INTERNET)
    ]
    pooled = said.horizons[0].quantiles_mbps[QUANTILES.index(0.5)]
    assert min(medians) < pooled < max(medians)


@pytest.mark.parametrize(("absent", "version"), [(DATACENTER, "net-1"), (INTERNET, "dc-1")])
def test_if_one_of_the_two_is_away_the_other_answers_and_says_so(absent, version):
    said = one(Query(history(60), HYBRID), {absent: "model_late"})
    assert (said.source, said.model_version, said.reasons) == ("model", version, ("model_late",))
    assert [member.weight for member in said.members] == [1.0]


def test_if_both_are_away_the_heuristic_answers_with_both_reasons():
    away = {DATACENTER: "model_late", INTERNET: "model_unavailable"}
    said = one(Query(history(60, rtt_ms=30.0), HYBRID), away)
    assert (said.source, said.model_version) == ("heuristic", None)
    assert said.reasons == ("model_late", "model_unavailable")
    assert [member.name for member in said.members] == [Ewma().name]
    assert said.bandwidth_mbps == pytest.approx(100.0, rel=0.05)
    assert said.latency_ms == pytest.approx(30.0)


def test_too_short_a_history_gets_a_heuristic_forecast():
    said = one(Query(history(2)))
    assert (said.source, said.reasons) == ("heuristic", ("short_history",))
    assert 0 < said.confidence < 1


def test_an_outage_is_forecast_to_last():
    down = History(np.arange(60.0), np.tile([0.0, *[np.nan] * 4], (60, 1)))
    said = one(Query(down, INTERNET), {INTERNET: "model_unavailable"})
    assert said.bandwidth_mbps == 0.0
    assert said.horizons[0].quantiles_mbps[QUANTILES.index(0.5)] == 0.0


def test_forecasts_come_in_the_order_of_the_plans():
    modes = [INTERNET, DATACENTER, None, HYBRID, INTERNET]
    counts = [60, 30, 3, 60, 10]
    plans = [
        plan(Query(history(count, 10.0 * (row + 1)), mode, f"link-{row}"))
        for row, (count, mode) in enumerate(zip(counts, modes, strict=True))
    ]
    together = answered(plans)
    assert [said.link_id for said in together] == [f"link-{row}" for row in range(5)]
    for said, planned in zip(together, plans, strict=True):
        (alone,) = answered([planned])
        assert said.source == alone.source
        assert said.bandwidth_mbps == pytest.approx(alone.bandwidth_mbps, rel=1e-6)


def test_no_plans_make_no_forecasts():
    assert answered([]) == []


def test_a_step_of_many_years_still_ends():
    times = np.array([0.0, 2e11])
    said = one(Query(History(times, history(2).telemetry)))
    assert said.valid_until == NOW + timedelta(days=3650)


def answer(path: list[float], confidence: float) -> ModelOutput:
    """Return an answer that is in band with the given probability and has the given path."""
    bins = Bins.spaced(122, 6.0, 0.05)
    mass = confidence * np.eye(122)[bins.index(np.float64(0.0))]
    mass = mass + (1 - confidence) * np.eye(122)[bins.index(np.float64(3.0))]
    rows = np.tile(mass, (1, 3, 1))
    return ModelOutput("v", bins, Prediction(rows, np.array([100.0]), np.array([path])))


def test_latency_loss_and_jitter_are_the_mean_of_who_measured_them():
    planned = [plan(Query(history(60), HYBRID))]
    asked = model_calls(planned)
    answers = [answer([10.0, math.nan, math.nan], 0.9), answer([40.0, 0.5, math.nan], 0.6)]
    said = assemble(planned, asked, answers, NOW)[0].forecast
    assert said.latency_ms == pytest.approx((0.9 * 10 + 0.6 * 40) / 1.5)
    assert said.packet_loss == pytest.approx(0.5)
    assert said.jitter_ms is None


def test_an_answer_is_decoded_once():
    given = answer([1.0, 0.0, 0.0], 0.8)
    assert given.decoded is given.decoded
