"""What the gate lets through, and what it keeps out: shuffled, forgetful, overconfident, slow."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.telemetry.traces import Trace
from train.gate import Limits, judge, reasons

WINDOW = 5
BINS = Bins.spaced(122, 6.0, 0.05)


@dataclass(frozen=True)
class Says:
    """Expects ``factor`` times the last rate, give or take ``spread`` in the logarithm."""

    factor: Callable[[np.ndarray], np.ndarray]
    spread: float = 0.1
    name: str = "says"
    window: int = WINDOW
    bins: Bins = BINS

    def predict(self, telemetry: np.ndarray) -> Prediction:
        level = telemetry[:, -1, 0].astype(float)
        peak = np.log(self.factor(level))[:, None, None]
        logits = -0.5 * ((BINS.edges - peak) / self.spread) ** 2
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True)).repeat(3, axis=1)
        nothing = np.full((len(level), 3), np.nan)
        return Prediction(weights / weights.sum(axis=-1, keepdims=True), level, nothing)


def times(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda level: np.full(len(level), factor)


LAST, HALF = Says(times(1.0)), Says(times(0.5))


def moments(
    links: int = 8, low: float = 10.0, seed: int = 0, window: int = WINDOW
) -> EvaluationPoints:
    rng = np.random.default_rng(seed)
    found = []
    for link in range(links):
        telemetry = np.full((80, 5), np.nan)
        telemetry[:, 0] = low * np.exp(np.cumsum(rng.normal(0.0, 0.1, 80)))
        found.append(Trace(f"{link}", "", np.arange(1.0, 81.0), telemetry))
    return EvaluationPoints.of(found, window)


def ticking() -> Callable[[], float]:
    clock = itertools.count()
    return lambda: next(clock) * 1e-3


def decide(champion: Says, challenger: Says, **old: EvaluationPoints):
    return judge(champion, challenger, moments(), old, ticking())


def test_one_that_is_better_everywhere_is_promoted() -> None:
    found = decide(HALF, LAST, old_set=moments(seed=1))
    assert found["decision"] == "promote"
    assert found["reasons"] == []
    ahead = found["newest"]["horizons"]["1"]
    assert ahead["accuracy_20"]["verdict"] == ahead["pinball"]["verdict"] == "better"
    assert ahead["pinball"]["interval"][1] < 0, "a loss that shrinks"
    assert found["newest"]["links"] == 8
    assert set(found["newest"]["horizons"]) == {"1", "5", "15"}


def test_the_same_again_is_not_better() -> None:
    found = decide(LAST, LAST)
    assert found["decision"] == "refuse"
    assert any("nothing on the newest slice is surely better" in one for one in found["reasons"])


def test_one_that_learned_from_shuffled_targets_is_refused() -> None:
    draw = np.random.default_rng(3)
    shuffled = Says(lambda level: draw.permutation(level) / level)
    found = decide(LAST, shuffled)
    assert found["decision"] == "refuse"
    assert any("accuracy_20 on the newest slice falls" in one for one in found["reasons"])


def test_one_that_forgot_an_old_set_is_refused_however_good_on_the_new() -> None:
    forgetful = Says(lambda level: np.where(level > 1e4, 0.5, 1.0))
    surer = replace(forgetful, name="challenger")
    before = Says(lambda level: np.where(level > 1e4, 1.0, 0.5))
    found = decide(before, surer, slow=moments(seed=1), fast=moments(low=1e6, seed=2))
    assert found["newest"]["horizons"]["1"]["accuracy_20"]["verdict"] == "better"
    (reason,) = found["reasons"]
    assert reason.startswith("fast is forgotten: accuracy_20 by -0.")
    assert found["decision"] == "refuse"


def test_one_link_alone_decides_nothing() -> None:
    found = judge(HALF, LAST, moments(links=1), {}, ticking())
    assert found["decision"] == "refuse"
    assert "no interval" in found["reasons"][0]


def test_a_slower_one_is_refused() -> None:
    now = [0.0]

    @dataclass(frozen=True)
    class Takes(Says):
        took_s: float = 0.001

        def predict(self, telemetry: np.ndarray) -> Prediction:
            now[0] += self.took_s
            return super().predict(telemetry)

    champion = Takes(times(0.5))
    for took_s, wanted in ((0.00105, []), (0.0012, ["one window takes 20% longer, more than 10%"])):
        challenger = Takes(times(1.0), took_s=took_s)
        found = judge(champion, challenger, moments(), {}, lambda: now[0])
        assert found["reasons"] == wanted


def figures(**changed: float) -> dict:
    given = (
        {"hits": 0.02, "low": 0.01, "loss": -0.01, "calibration": 0.05}
        | {"old": 0.0, "old_high": -0.001}
        | changed
    )
    hits = {"value": given["hits"], "interval": (given["low"], 0.05)}
    ahead = {
        "champion": {"calibration_error": 0.05},
        "challenger": {"calibration_error": given["calibration"]},
        "accuracy_20": hits | {"verdict": "better" if given["low"] > 0 else "noise"},
        "pinball": {"value": given["loss"], "interval": (-0.1, 0.1), "verdict": "noise"},
    }
    return {
        "newest": {"links": 8, "horizons": {"1": ahead}},
        "old": {
            "fcc": {
                "gained": {
                    "value": given["old"],
                    "interval": (-0.02, given["old_high"]),
                    "verdict": "worse" if given["old_high"] < 0 else "noise",
                }
            }
        },
        "latency_ms": {"champion": 2.0, "challenger": 2.0},
    }


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"calibration": 0.0599}, None),
        ({"calibration": 0.0601}, "the calibration error on the newest slice grows by 0.0101"),
        ({"old": -0.0049}, None),
        ({"old": -0.0051}, "fcc is forgotten: accuracy_20 by -0.0051 (-0.0200 to -0.0010), more"),
        ({"old": -0.0051, "old_high": 0.001}, None),
        ({"low": -0.001}, "nothing on the newest slice is surely better"),
        ({"loss": 0.001}, "pinball loss on the newest slice grows by 0.0010 of the rate"),
    ],
)
def test_each_limit_is_where_it_is_said_to_be(
    changed: dict[str, float], reason: str | None
) -> None:
    found = reasons(figures(**changed), Limits())
    assert len(found) == (reason is not None)
    assert not reason or found[0].startswith(reason)
