"""The one-process service, and that it reports a missing model."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pba.errors import BadArtifact, InvalidHistory
from pba.forecasting import Query
from pba.forecasting.transfer import forecast_transfer
from pba.forecasting.transfer_request import TransferRequest
from pba.serving.local_service import LocalService
from pba.types import History, NetworkMode
from tests.toy import toy_artifact

NOW = datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC)  # of the newest sample
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


def test_a_history_is_forecast_by_the_model_of_its_mode(service):
    forecast = service.forecast(history(60, 5000.0))
    assert (forecast.source, forecast.model_version) == ("model", "datacenter-7")
    forecast = service.forecast(history(60, 5000.0), INTERNET)
    assert (forecast.source, forecast.model_version) == ("model", "internet-7")


def test_many_queries_are_answered_in_order(service):
    forecasts = service.forecasts([Query(history(60, mbps)) for mbps in (3.0, 5000.0, 7.0)])
    points_mbps = [forecast.bandwidth_mbps for forecast in forecasts]
    assert points_mbps == pytest.approx([3.0, 5000.0, 7.0], rel=0.2)


def test_results_have_the_forecasts_and_the_data_for_scoring(service):
    (result,) = service.results([Query(history(60, 5000.0))])
    (forecast,) = service.forecasts([Query(history(60, 5000.0))])
    assert result.forecast.horizons == forecast.horizons
    assert (result.after_s, set(result.points_mbps)) == (59.0, {"model"})


def test_a_transfer_follows_from_the_forecast(service):
    known, request = history(60, 50.0), TransferRequest(10**8, 60.0)
    answer = service.transfer(known, request, as_of_newest=True)
    alone = forecast_transfer(service.forecast(known, as_of_newest=True), request)
    assert (answer.duration_s, answer.reasons) == (alone.duration_s, alone.reasons)
    assert answer.duration_s[3] == pytest.approx(16.0, rel=0.2)


def test_a_mode_without_a_model_gets_a_heuristic_forecast():
    forecast = LocalService({}, clock=lambda: NOW).forecast(history(60, 50.0))
    assert (forecast.source, forecast.reasons) == ("heuristic", ("model_unavailable",))
    assert forecast.made_at == NOW


def test_the_time_of_a_forecast_is_now_by_default(service):
    before = datetime.now(UTC)
    made_at = service.forecast(history(2, 1.0)).made_at
    assert before <= made_at <= datetime.now(UTC)


def test_the_first_error_is_raised(service):
    with pytest.raises(InvalidHistory):
        service.forecast(history(1, 1.0))
    with pytest.raises(InvalidHistory):
        service.forecasts([Query(history(60, 3.0)), Query(history(1, 1.0))])


def test_a_missing_model_is_refused(tmp_path):
    toy_artifact(tmp_path / "datacenter", DATACENTER)
    with pytest.raises(BadArtifact, match="internet_bandwidth_predictor"):
        LocalService.load(tmp_path)
