"""The one-process service gives what the service gives, and says when a model is missing."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pba.errors import BadArtifact, InvalidHistory
from pba.forecasting.query import Query
from pba.serving.local_service import LocalService
from pba.types import History, NetworkMode
from tests.toy import toy_artifact

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DATACENTER, INTERNET = NetworkMode.DATACENTER, NetworkMode.INTERNET


def history(count: int, bandwidth_mbps: float) -> History:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = bandwidth_mbps
    return History(np.arange(float(count)), telemetry)


@pytest.fixture
def service(tmp_path) -> LocalService:
    for mode in (DATACENTER, INTERNET):
        toy_artifact(tmp_path / mode, mode, f"{mode}-7")
    return LocalService.load(tmp_path)


def test_a_link_is_answered_by_the_model_of_its_mode(service):
    said = service.forecast(history(60, 5000.0))
    assert (said.source, said.model_version) == ("model", "datacenter-7")
    said = service.forecast(history(60, 5000.0), INTERNET)
    assert (said.source, said.model_version) == ("model", "internet-7")


def test_many_queries_are_answered_in_order(service):
    said = service.forecasts([Query(history(60, mbps)) for mbps in (3.0, 5000.0, 7.0)])
    assert [one.bandwidth_mbps for one in said] == pytest.approx([3.0, 5000.0, 7.0], rel=0.2)


def test_a_mode_without_a_model_gets_a_heuristic_forecast():
    said = LocalService({}, clock=lambda: NOW).forecast(history(60, 50.0))
    assert (said.source, said.reasons) == ("heuristic", ("model_unavailable",))
    assert said.made_at == NOW


def test_a_forecast_is_made_now(service):
    assert abs((service.forecast(history(2, 1.0)).made_at - datetime.now(UTC)).total_seconds()) < 60


def test_what_cannot_be_answered_is_refused(service):
    with pytest.raises(InvalidHistory):
        service.forecast(history(1, 1.0))


def test_a_missing_model_is_refused(tmp_path):
    toy_artifact(tmp_path / "datacenter", DATACENTER)
    with pytest.raises(BadArtifact, match="internet_bandwidth_predictor"):
        LocalService.load(tmp_path)
