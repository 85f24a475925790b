"""What networks do that breaks forecasters, put to the shipped models."""

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


@pytest.fixture(scope="module")
def service() -> LocalService:
    return LocalService.load(MODELS)


def history(rates: np.ndarray, timestamps_s: np.ndarray | None = None) -> History:
    telemetry = np.full((len(rates), 5), np.nan)
    telemetry[:, 0] = rates
    return History(
        np.arange(float(len(rates))) if timestamps_s is None else timestamps_s, telemetry
    )


def steady(mbps: float, noise: float = 0.02, count: int = 60) -> np.ndarray:
    return mbps * np.exp(np.random.default_rng(4).normal(0.0, noise, count))


def off(said: Forecast, mbps: float) -> float:
    """Return the largest error over the horizons, as a share of ``mbps``."""
    return max(abs(one.bandwidth_mbps - mbps) for one in said.horizons) / mbps


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mbps", [0.05, 3.0, 40_000.0])
def test_a_constant_link_is_forecast_to_stay_and_surely_so(service, mode, mbps):
    said = service.forecast(history(np.full(60, mbps)), mode)
    assert off(said, mbps) < 0.05
    assert said.confidence > 0.9


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mbps", [0.05, 40_000.0])
def test_a_steady_link_of_any_rate_stays(service, mode, mbps):
    assert off(service.forecast(history(steady(mbps)), mode), mbps) < 0.1


def test_an_outage_goes_on_for_now(service):
    rates = np.concatenate([steady(20.0, 0.3, 30), np.zeros(30)])
    said = service.forecast(history(rates), INTERNET)
    assert said.bandwidth_mbps == 0.0
    assert said.confidence > 0.5


@pytest.mark.parametrize("mode", MODES)
def test_a_link_that_has_come_back_is_back(service, mode):
    rates = steady(5_000.0, 0.01)
    rates[35:45] = 0.0
    assert off(service.forecast(history(rates), mode), 5_000.0) < 0.2


@pytest.mark.parametrize("mode", MODES)
def test_one_lost_sample_is_no_outage(service, mode):
    rates = steady(5_000.0, 0.01)
    rates[-4] = 0.0
    assert off(service.forecast(history(rates), mode), 5_000.0) < 0.2


def test_an_empty_token_bucket_is_followed_within_three_samples(service):
    for after in (3, 5, 10):
        rates = np.concatenate([steady(9_600.0, 0.002, 60 - after), steady(4_980.0, 0.002, after)])
        said = service.forecast(history(rates), DATACENTER)
        assert abs(said.bandwidth_mbps - 4_980.0) < 0.1 * 4_980.0


def test_one_sample_after_a_cliff_the_forecast_is_less_sure_than_before(service):
    before = steady(9_600.0, 0.002)
    after = np.append(before[1:], 4_980.0)
    said = [service.forecast(history(rates), DATACENTER).confidence for rates in (before, after)]
    assert said[1] < said[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("column", [1, 2, 3, 4])
def test_a_link_does_not_change_with_what_is_measured_of_it(service, mode, column):
    usual = {1: 20.0, 2: 0.001, 3: 1.0, 4: 900.0}
    bare, told = history(steady(1_000.0)), history(steady(1_000.0))
    told.telemetry[:, column] = usual[column]
    assert off(service.forecast(bare, mode), 1_000.0) < 0.1
    assert off(service.forecast(told, mode), 1_000.0) < 0.1


@pytest.mark.parametrize("mode", MODES)
def test_what_was_before_a_gap_is_of_no_account(service, mode):
    clock = np.arange(140.0)
    clock[70:] += 3_600.0
    rates = np.concatenate([steady(50.0, 0.1, 70), steady(900.0, 0.1, 70)])
    with_it = service.forecast(history(rates, clock), mode)
    without = service.forecast(history(rates[70:], clock[70:]), mode)
    assert with_it.horizons == without.horizons
    assert with_it.source == "model"


def test_after_a_gap_a_window_must_fill_again(service):
    clock = np.arange(70.0)
    clock[-5:] += 3_600.0
    said = service.forecast(history(steady(50.0, 0.1, 70), clock), INTERNET)
    assert (said.source, said.reasons) == ("heuristic", ("short_history",))
    assert off(said, 50.0) < 0.3


@pytest.mark.parametrize("mode", MODES)
def test_irregular_spacing_is_said_and_answered(service, mode):
    clock = np.cumsum(np.random.default_rng(1).exponential(1.0, 60) + 0.01)
    said = service.forecast(history(steady(300.0), clock), mode)
    assert "irregular_window" in said.reasons
    assert off(said, 300.0) < 0.1


rates = hnp.arrays(
    float,
    60,
    elements=st.one_of(st.sampled_from([0.0, 1e-6, 0.05, 4e4, 1e6]), st.floats(0.0, 1e6)),
)


@given(rates, st.sampled_from([*MODES, NetworkMode.HYBRID]))
@settings(max_examples=60, deadline=None)
def test_no_history_gets_an_answer_that_contradicts_itself(service, rates, mode):
    said = service.forecast(history(rates), mode)
    for one in said.horizons:
        quantiles = np.array(one.quantiles_mbps)
        assert np.isfinite([one.bandwidth_mbps, one.confidence, *quantiles]).all()
        assert one.bandwidth_mbps >= 0.0
        assert 0.0 <= one.confidence <= 1.0
        assert (np.diff(quantiles) >= 0.0).all()


@pytest.fixture(scope="module")
def v1() -> OnnxForecaster:
    return artifacts.load(str(MODELS / v1_features.NAME), v1_features.NAME)[0]


def asked(v1: OnnxForecaster, given: History) -> tuple[np.ndarray, np.ndarray]:
    """Return v1's point and confidence at each horizon."""
    said = v1.predict(v1_features.features(given.timestamps_s, given.telemetry)[None])
    read = decode(said.probabilities, said.level_mbps, v1.bins)
    return read.bandwidth_mbps[0], read.confidence[0]


@pytest.mark.parametrize("mbps", [1.0, 30.0, 500.0, 5000.0])
def test_v1_follows_steady_links_of_usual_sizes_at_any_hour(v1: OnnxForecaster, mbps: float):
    for hour in range(0, 24, 6):
        times = 1_772_409_600.0 + 3600.0 * hour + np.arange(10.0)
        point, _ = asked(v1, history(steady(mbps, count=10), times))
        assert abs(point[0] - mbps) <= 0.35 * mbps


def test_v1_is_as_sure_of_every_link(v1: OnnxForecaster):
    sure = [asked(v1, history(steady(mbps, count=10)))[1] for mbps in (0.1, 10.0, 9000.0)]
    np.testing.assert_allclose(sure, np.tile(sure[0], (3, 1)), atol=1e-6)
    assert (np.diff(sure[0]) < 0).all(), "farther ahead it is less often right"


@pytest.mark.parametrize("mbps", [0.0, 1e-9, 1e7])
def test_v1_says_something_finite_of_what_it_has_never_seen(v1: OnnxForecaster, mbps: float):
    given = history(np.full(10, mbps))
    point, sure = asked(v1, History(given.timestamps_s, np.tile([mbps, 1e6, 1.0, 1e6, 0], (10, 1))))
    assert np.isfinite([point, sure]).all()
