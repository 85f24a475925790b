"""Who speaks for a link with a record, and what is kept to learn from."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pba.forecasting.assembly import ForecastResult, assemble
from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import INITIAL_WEIGHTS, MODEL
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.planning import ModelFailure, ModelOutput, Query, model_calls, plan
from pba.models.onnx import OnnxForecaster
from pba.types import History, NetworkMode
from tests.toy import toy_onnx

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
INTERNET = OnnxForecaster(toy_onnx(NetworkMode.INTERNET, peak=0.5))  # expects 1.6 times the last
EWMA_LEADS = LinkRecord(weights=INITIAL_WEIGHTS | {MODEL: 0.05, "ewma": 0.85})


def history(count: int = 60, mbps: float = 20.0) -> History:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps
    return History(1e9 + np.arange(count), telemetry)


def made(
    record: LinkRecord | None, away: bool = False, given: History | None = None
) -> ForecastResult:
    plans = [plan(Query(given or history(), link_id="a", record=record))]
    asked = model_calls(plans)
    answers = [
        ModelFailure("model_unavailable")
        if away
        else ModelOutput(INTERNET.version, INTERNET.bins, INTERNET.predict(batch.telemetry))
        for batch in asked
    ]
    return assemble(plans, asked, answers, NOW)[0]


def weights(said: ForecastResult) -> dict[str, float]:
    return {member.name: member.weight for member in said.forecast.members}


def test_without_a_record_the_model_speaks_and_nobody_else_is_heard():
    said = made(None)
    assert (said.forecast.source, weights(said)) == ("model", {"internet": 1.0})
    assert set(said.points_mbps) == {MODEL}


def test_with_a_record_all_are_heard_and_who_leads_speaks():
    said = made(LinkRecord())
    others = {"last_value": 0.0, "ewma": 0.0, "harmonic_mean": 0.0}
    assert (said.forecast.source, weights(said)) == ("model", {"internet": 1.0} | others)
    assert said.forecast.bandwidth_mbps == pytest.approx(33.0, rel=0.05)
    assert said.points_mbps["ewma"][0] == pytest.approx(20.0, rel=0.01)
    led = made(EWMA_LEADS)
    assert (led.forecast.source, led.forecast.model_version) == ("expert", None)
    assert weights(led) == {"ewma": 1.0, "internet": 0.0, "last_value": 0.0, "harmonic_mean": 0.0}
    assert led.forecast.bandwidth_mbps == pytest.approx(20.0, rel=0.01)
    assert led.points_mbps == said.points_mbps


def test_where_no_model_answers_the_leader_is_a_heuristic_or_the_ewma():
    for record, speaks in ((EWMA_LEADS, "ewma"), (LinkRecord(), "ewma"), (None, "ewma")):
        said = made(record, away=True)
        assert (said.forecast.source, said.forecast.members[0].name) == ("heuristic", speaks)
        assert MODEL not in said.points_mbps
    last = LinkRecord(weights=INITIAL_WEIGHTS | {MODEL: 0.05, "last_value": 0.85})
    assert made(last, given=history(5)).forecast.members[0].name == "last_value"


def test_a_record_of_misses_takes_confidence_and_says_so():
    missed = replace(LinkRecord(), reliability=(Reliability(400.0, 40.0, 360.0),) * 3)
    said = made(missed, given=history(mbps=4.7))  # where the toy is least sure
    assert said.forecast.confidence < said.confidence[0] - 0.05
    assert said.forecast.reasons == ("recent_misses",)
    assert made(LinkRecord()).forecast.reasons == ()


@pytest.mark.parametrize(("highest", "reasons"), [(400.0, ()), (410.0, ("out_of_range",))])
def test_a_rate_that_the_bins_do_not_reach_any_more_is_said(highest: float, reasons: tuple[str]):
    telemetry = history(mbps=1.0).telemetry
    telemetry[10, 0] = highest  # bins end at exp(6) = 403 times the level, here the last value
    said = made(None, given=History(np.arange(60.0), telemetry))
    assert said.forecast.reasons == reasons


def test_what_is_kept_tells_the_moment_it_rests_on():
    assert made(None).after_s == 1e9 + 59
