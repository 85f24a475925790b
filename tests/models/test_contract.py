"""Every forecaster keeps the contract, and one that breaks a promise is told which."""

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
def test_every_forecaster_keeps_every_promise(forecaster, check):
    check(forecaster)


@pytest.mark.parametrize("mode", [NetworkMode.DATACENTER, NetworkMode.INTERNET])
def test_a_network_keeps_every_promise(mode):
    check_forecaster(OnnxForecaster(toy_onnx(mode)))


def test_all_that_need_no_arguments_are_found_and_no_other_class_is():
    names = {forecaster.name for forecaster in forecasters()}
    assert {"last_value", "mean", "harmonic_mean", "ewma"} <= names
    assert len(names) == len(forecasters())


def test_the_public_names_are_those_listed():
    assert set(contract.__all__) == {"CHECKS", "check_forecaster", "forecasters"}


class Broken(LastValue):
    """A last value that spoils its own answer."""

    name = "broken"

    def spoiled(self, said: Prediction) -> Prediction:
        return said

    def predict(self, telemetry: Floats) -> Prediction:
        return self.spoiled(super().predict(telemetry))


class TwoHorizons(Broken):
    def spoiled(self, said):
        return replace(said, probabilities=said.probabilities[:, :2])


class NoLevelAxis(Broken):
    def spoiled(self, said):
        return replace(said, level_mbps=said.level_mbps[:, None])


class ForgotThePath(Broken):
    def spoiled(self, said):
        return replace(said, path=said.path[:, :2])


class SumsToTwo(Broken):
    def spoiled(self, said):
        return replace(said, probabilities=2 * said.probabilities)


class Negative(Broken):
    def spoiled(self, said):
        bad = said.probabilities.copy()
        bad[..., 0] -= 0.1
        bad[..., 1] += 0.1
        return replace(said, probabilities=bad)


class NotANumber(Broken):
    def spoiled(self, said):
        return replace(said, probabilities=said.probabilities * np.nan)


class NoLevel(Broken):
    def spoiled(self, said):
        return replace(said, level_mbps=0 * said.level_mbps)


class Overflowing(Broken):
    def spoiled(self, said):
        return replace(said, level_mbps=np.full_like(said.level_mbps, 1e308))


class InventedPath(Broken):
    def spoiled(self, said):
        return replace(said, path=np.nan_to_num(said.path))


class LostPath(Broken):
    def spoiled(self, said):
        return replace(said, path=np.full_like(said.path, np.nan))


class LossInPercent(Broken):
    def spoiled(self, said):
        return replace(said, path=100 * said.path)


class Shouts(Broken):
    scale_free = True

    def spoiled(self, said):
        return replace(said, level_mbps=said.level_mbps + 1.0)


class Meddler(LastValue):
    name = "broken"

    def predict(self, telemetry):
        said = super().predict(telemetry)
        telemetry[:, 0, 0] = 0.0
        return said


class Moody(LastValue):
    name = "broken"
    scale_free = False

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def predict(self, telemetry):
        said = super().predict(telemetry)
        return replace(said, level_mbps=said.level_mbps * self.rng.uniform(1, 2))


class Gossip(LastValue):
    name = "broken"
    scale_free = False

    def predict(self, telemetry):
        said = super().predict(telemetry)
        return replace(said, level_mbps=np.full_like(said.level_mbps, said.level_mbps.mean()))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (TwoHorizons, r"probabilities has shape \(16, 2, 122\), not \(16, 3, 122\)"),
        (NoLevelAxis, r"level_mbps has shape \(16, 1\), not \(16,\)"),
        (ForgotThePath, r"path has shape \(16, 2\), not \(16, 3\)"),
        (SumsToTwo, "sums to 2, not 1"),
        (Negative, "below 0"),
        (NotANumber, "not finite"),
        (NoLevel, "not a positive number"),
        (InventedPath, "never measured"),
        (LostPath, "lacks what the window holds"),
        (LossInPercent, "out of range"),
        (Meddler, "changed its input"),
        (Moody, "two answers"),
        (Gossip, "differs from one by one"),
        (Shouts, "are not 0.001 times as high"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_promise_is_named(kind, told):
    with pytest.raises(AssertionError, match=f"broken: .*{told}"):
        check_forecaster(kind())


def test_a_forecaster_that_does_not_claim_it_need_not_be_scale_free():
    shout = Shouts()
    shout.scale_free = False
    check_forecaster(shout)


@pytest.mark.filterwarnings("ignore:overflow")
def test_points_beyond_all_numbers_are_found():
    with pytest.raises(AssertionError, match="broken: a quantile is no rate"):
        contract.points_and_quantiles_can_be_read(Overflowing())
