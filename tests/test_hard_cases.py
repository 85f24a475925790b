"""The shipped models on the events of networks that break forecasters."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from pba.models import v1_features
from pba.models.distribution import decode
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts
from pba.serving.local_service import LocalService
from pba.types import Forecast, History, NetworkMode

MODELS = Path(__file__).parents[1] / "models"
MODES = [NetworkMode.DATACENTER, NetworkMode.INTERNET]
DATACENTER, INTERNET = MODES


class ServiceAsOfNewest(LocalService):
    """Forecasts as of the newest sample: the histories here begin in 1970."""

    def forecast(self, history, mode=None, as_of_newest=True):
        return super().forecast(history, mode, as_of_newest)


@pytest.fixture(scope="module")
def service() -> LocalService:
    return ServiceAsOfNewest.load(MODELS)


def history(rates: np.ndarray, timestamps_s: np.ndarray | None = None) -> History:
    telemetry = np.full((len(rates), 5), np.nan)
    telemetry[:, 0] = rates
    return History(
        np.arange(float(len(rates))) if timestamps_s is None else timestamps_s, telemetry
    )


def steady(mbps: float, noise: float = 0.02, count: int = 60) -> np.ndarray:
    return mbps * np.exp(np.random.default_rng(4).normal(0.0, noise, count))


def largest_error(forecast: Forecast, mbps: float) -> float:
    """Return the largest error over the horizons, as a share of ``mbps``."""
    return max(abs(horizon.bandwidth_mbps - mbps) for horizon in forecast.horizons) / mbps


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mbps", [0.05, 3.0, 40_000.0])
def test_a_constant_link_is_forecast_to_stay_with_high_confidence(service, mode, mbps):
    result = service.forecast(history(np.full(60, mbps)), mode)
    assert largest_error(result, mbps) < 0.05
    assert result.confidence > 0.9


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mbps", [0.05, 40_000.0])
def test_a_steady_link_of_any_rate_is_forecast_to_stay(service, mode, mbps):
    assert largest_error(service.forecast(history(steady(mbps)), mode), mbps) < 0.1


def test_an_outage_is_forecast_to_continue(service):
    rates = np.concatenate([steady(20.0, 0.3, 30), np.zeros(30)])
    result = service.forecast(history(rates), INTERNET)
    assert result.bandwidth_mbps == 0.0
    assert result.confidence > 0.5


@pytest.mark.parametrize("mode", MODES)
def test_a_link_that_has_recovered_is_forecast_at_its_rate(service, mode):
    rates = steady(5_000.0, 0.01)
    rates[35:45] = 0.0
    assert largest_error(service.forecast(history(rates), mode), 5_000.0) < 0.2


@pytest.mark.parametrize("mode", MODES)
def test_one_lost_sample_is_not_an_outage(service, mode):
    rates = steady(5_000.0, 0.01)
    rates[-4] = 0.0
    assert largest_error(service.forecast(history(rates), mode), 5_000.0) < 0.2


def test_a_drop_from_an_empty_token_bucket_is_followed_within_three_samples(service):
    for after in (3, 5, 10):
        rates = np.concatenate([steady(9_600.0, 0.002, 60 - after), steady(4_980.0, 0.002, after)])
        result = service.forecast(history(rates), DATACENTER)
        assert abs(result.bandwidth_mbps - 4_980.0) < 0.1 * 4_980.0


def test_one_sample_after_a_drop_the_confidence_is_lower_than_before(service):
    before = steady(9_600.0, 0.002)
    after = np.append(before[1:], 4_980.0)
    confidence = [
        service.forecast(history(rates), DATACENTER).confidence for rates in (before, after)
    ]
    assert confidence[1] < confidence[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("column", [1, 2, 3, 4])
def test_a_forecast_does_not_depend_on_which_columns_are_measured(service, mode, column):
    usual = {1: 20.0, 2: 0.001, 3: 1.0, 4: 900.0}
    bare, measured = history(steady(1_000.0)), history(steady(1_000.0))
    measured.telemetry[:, column] = usual[column]
    assert largest_error(service.forecast(bare, mode), 1_000.0) < 0.1
    assert largest_error(service.forecast(measured, mode), 1_000.0) < 0.1


@pytest.mark.parametrize("mode", MODES)
def test_samples_before_a_gap_have_no_effect(service, mode):
    clock = np.arange(140.0)
    clock[70:] += 3_600.0
    rates = np.concatenate([steady(50.0, 0.1, 70), steady(900.0, 0.1, 70)])
    whole = service.forecast(history(rates, clock), mode)
    recent = service.forecast(history(rates[70:], clock[70:]), mode)
    assert whole.horizons == recent.horizons
    assert whole.source == "model"


def test_after_a_gap_the_forecast_is_heuristic_until_a_window_is_full(service):
    clock = np.arange(70.0)
    clock[-5:] += 3_600.0
    result = service.forecast(history(steady(50.0, 0.1, 70), clock), INTERNET)
    assert (result.source, result.reasons) == ("heuristic", ("short_history",))
    assert largest_error(result, 50.0) < 0.3


@pytest.mark.parametrize("mode", MODES)
def test_irregular_spacing_is_a_reason_and_is_forecast(service, mode):
    clock = np.cumsum(np.random.default_rng(1).exponential(1.0, 60) + 0.01)
    result = service.forecast(history(steady(300.0), clock), mode)
    assert "irregular_window" in result.reasons
    assert largest_error(result, 300.0) < 0.1


rates = hnp.arrays(
    float,
    60,
    elements=st.one_of(st.sampled_from([0.0, 1e-6, 0.05, 4e4, 1e6]), st.floats(0.0, 1e6)),
)


@given(rates, st.sampled_from([*MODES, NetworkMode.HYBRID]))
@settings(max_examples=60, deadline=None)
def test_the_forecast_of_any_history_is_consistent(service, rates, mode):
    result = service.forecast(history(rates), mode)
    for horizon in result.horizons:
        quantiles = np.array(horizon.quantiles_mbps)
        assert np.isfinite([horizon.bandwidth_mbps, horizon.confidence, *quantiles]).all()
        assert horizon.bandwidth_mbps >= 0.0
        assert 0.0 <= horizon.confidence <= 1.0
        assert (np.diff(quantiles) >= 0.0).all()


@pytest.fixture(scope="module")
def v1() -> OnnxForecaster:
    return artifacts.load(str(MODELS / v1_features.NAME), v1_features.NAME)[0]


def predict(v1: OnnxForecaster, given: History) -> tuple[np.ndarray, np.ndarray]:
    """Return v1's point and confidence at each horizon."""
    prediction = v1.predict(v1_features.features(given.timestamps_s, given.telemetry)[None])
    decoded = decode(prediction.probabilities, prediction.level_mbps, v1.bins)
    return decoded.bandwidth_mbps[0], decoded.confidence[0]


@pytest.mark.parametrize("mbps", [1.0, 30.0, 500.0, 5000.0])
def test_v1_follows_steady_links_of_usual_sizes_at_any_hour(v1: OnnxForecaster, mbps: float):
    for hour in range(0, 24, 6):
        times = 1_772_409_600.0 + 3600.0 * hour + np.arange(10.0)
        point, _ = predict(v1, history(steady(mbps, count=10), times))
        assert abs(point[0] - mbps) <= 0.35 * mbps


def test_v1_has_the_same_confidence_on_every_link(v1: OnnxForecaster):
    confidence = [predict(v1, history(steady(mbps, count=10)))[1] for mbps in (0.1, 10.0, 9000.0)]
    np.testing.assert_allclose(confidence, np.tile(confidence[0], (3, 1)), atol=1e-6)
    assert (np.diff(confidence[0]) < 0).all(), "and less at longer horizons"


@pytest.mark.parametrize("mbps", [0.0, 1e-9, 1e7])
def test_v1_gives_finite_predictions_outside_its_training_range(v1: OnnxForecaster, mbps: float):
    given = history(np.full(10, mbps))
    point, confidence = predict(
        v1, History(given.timestamps_s, np.tile([mbps, 1e6, 1.0, 1e6, 0], (10, 1)))
    )
    assert np.isfinite([point, confidence]).all()
