"""Every forecaster passes the contract, and each violation has its own message."""

from dataclasses import replace

import numpy as np
import pytest

from pba.models import contract
from pba.models.base import Prediction
from pba.models.contract import CHECKS, check_forecaster, forecasters
from pba.models.last_value import LastValue
from pba.models.onnx import OnnxForecaster
from pba.types import Floats, NetworkMode
from tests.toy import toy_onnx


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("forecaster", forecasters(), ids=lambda forecaster: forecaster.name)
def test_every_forecaster_passes_every_check(forecaster, check):
    check(forecaster)


@pytest.mark.parametrize("mode", [NetworkMode.DATACENTER, NetworkMode.INTERNET])
@pytest.mark.parametrize("intervals", [(), (5, 15)])
def test_a_network_passes_every_check(mode, intervals):
    check_forecaster(OnnxForecaster(toy_onnx(mode, intervals=intervals)))


def test_every_forecaster_without_arguments_is_collected_once():
    names = {forecaster.name for forecaster in forecasters()}
    assert {"last_value", "mean", "harmonic_mean", "ewma"} <= names
    assert len(names) == len(forecasters())


def test_the_public_names_are_those_listed():
    assert set(contract.__all__) == {"CHECKS", "check_forecaster", "forecasters"}


class Broken(LastValue):
    """A last value that modifies its own prediction."""

    name = "broken"

    def modified(self, prediction: Prediction) -> Prediction:
        return prediction

    def predict(self, telemetry: Floats) -> Prediction:
        return self.modified(super().predict(telemetry))


class TwoHorizons(Broken):
    def modified(self, prediction):
        return replace(prediction, probabilities=prediction.probabilities[:, :2])


class NoLevelAxis(Broken):
    def modified(self, prediction):
        return replace(prediction, level_mbps=prediction.level_mbps[:, None])


class TwoPathColumns(Broken):
    def modified(self, prediction):
        return replace(prediction, path=prediction.path[:, :2])


class SumsToTwo(Broken):
    def modified(self, prediction):
        return replace(prediction, probabilities=2 * prediction.probabilities)


class Negative(Broken):
    def modified(self, prediction):
        probabilities = prediction.probabilities.copy()
        probabilities[..., 0] -= 0.1
        probabilities[..., 1] += 0.1
        return replace(prediction, probabilities=probabilities)


class IntervalsSumToTwo(Broken):
    def modified(self, prediction):
        return replace(prediction, intervals=2 * prediction.probabilities)


class IntervalsOfOtherBins(Broken):
    def modified(self, prediction):
        return replace(prediction, intervals=prediction.probabilities[..., 1:])


class NotANumber(Broken):
    def modified(self, prediction):
        return replace(prediction, probabilities=prediction.probabilities * np.nan)


class NoLevel(Broken):
    def modified(self, prediction):
        return replace(prediction, level_mbps=0 * prediction.level_mbps)


class Overflowing(Broken):
    def modified(self, prediction):
        return replace(prediction, level_mbps=np.full_like(prediction.level_mbps, 1e308))


class InventedPath(Broken):
    def modified(self, prediction):
        return replace(prediction, path=np.nan_to_num(prediction.path))


class MissingPath(Broken):
    def modified(self, prediction):
        return replace(prediction, path=np.full_like(prediction.path, np.nan))


class LossInPercent(Broken):
    def modified(self, prediction):
        return replace(prediction, path=100 * prediction.path)


class NotScaleFree(Broken):
    scale_free = True

    def modified(self, prediction):
        return replace(prediction, level_mbps=prediction.level_mbps + 1.0)


class ChangesItsInput(LastValue):
    name = "broken"

    def predict(self, telemetry):
        prediction = super().predict(telemetry)
        telemetry[:, 0, 0] = 0.0
        return prediction


class Unrepeatable(LastValue):
    name = "broken"
    scale_free = False

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def predict(self, telemetry):
        prediction = super().predict(telemetry)
        return replace(prediction, level_mbps=prediction.level_mbps * self.rng.uniform(1, 2))


class MixesTheBatch(LastValue):
    name = "broken"
    scale_free = False

    def predict(self, telemetry):
        prediction = super().predict(telemetry)
        return replace(
            prediction, level_mbps=np.full_like(prediction.level_mbps, prediction.level_mbps.mean())
        )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (TwoHorizons, r"probabilities has shape \(16, 2, 122\), not \(16, 3, 122\)"),
        (NoLevelAxis, r"level_mbps has shape \(16, 1\), not \(16,\)"),
        (TwoPathColumns, r"path has shape \(16, 2\), not \(16, 3\)"),
        (SumsToTwo, "sums to 2, not 1"),
        (IntervalsSumToTwo, "sums to 2, not 1"),
        (IntervalsOfOtherBins, r"intervals has shape \(16, 3, 121\), not \(16, 3, 122\)"),
        (Negative, "below 0"),
        (NotANumber, "not finite"),
        (NoLevel, "not a positive number"),
        (InventedPath, "never measured"),
        (MissingPath, "lacks a measured value"),
        (LossInPercent, "out of range"),
        (ChangesItsInput, "changed its input"),
        (Unrepeatable, "two predictions"),
        (MixesTheBatch, "differs from one by one"),
        (NotScaleFree, "are not 0.001 times as high"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_violation_is_named(kind, message):
    with pytest.raises(AssertionError, match=f"broken: .*{message}"):
        check_forecaster(kind())


def test_only_a_forecaster_marked_scale_free_must_be_scale_free():
    forecaster = NotScaleFree()
    forecaster.scale_free = False
    check_forecaster(forecaster)


@pytest.mark.filterwarnings("ignore:overflow")
def test_infinite_points_are_refused():
    with pytest.raises(AssertionError, match="broken: a quantile is no rate"):
        contract.points_and_quantiles_are_valid(Overflowing())
