"""What the gate promotes and what it refuses: shuffled, forgetful, overconfident, slow."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.telemetry.traces import Trace
from train.gate import GateLimits, judge, latencies_ms, objections

WINDOW = 5
BINS = Bins.spaced(122, 6.0, 0.05)


@dataclass(frozen=True)
class Multiplier:
    """Predicts ``factor`` times the last rate, with a deviation of ``spread`` in the logarithm."""

    factor: Callable[[np.ndarray], np.ndarray]
    spread: float = 0.1
    name: str = "multiplier"
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


LAST, HALF = Multiplier(times(1.0)), Multiplier(times(0.5))


def example_points(
    links: int = 8, low: float = 10.0, seed: int = 0, window: int = WINDOW
) -> EvaluationPoints:
    rng = np.random.default_rng(seed)
    traces = []
    for link in range(links):
        telemetry = np.full((80, 5), np.nan)
        telemetry[:, 0] = low * np.exp(np.cumsum(rng.normal(0.0, 0.1, 80)))
        traces.append(Trace(f"{link}", "", np.arange(1.0, 81.0), telemetry))
    return EvaluationPoints.of(traces, window)


def ticking() -> Callable[[], float]:
    clock = itertools.count()
    return lambda: next(clock) * 1e-3


def decide(champion: Multiplier, challenger: Multiplier, **old: EvaluationPoints):
    return judge(champion, challenger, example_points(), old, ticking())


def test_a_challenger_that_is_better_everywhere_is_promoted() -> None:
    decision = decide(HALF, LAST, old_set=example_points(seed=1))
    assert decision["decision"] == "promote"
    assert decision["reasons"] == []
    ahead = decision["newest"]["horizons"]["1"]
    assert ahead["accuracy_20"]["verdict"] == ahead["pinball"]["verdict"] == "better"
    assert ahead["pinball"]["interval"][1] < 0, "the loss decreases"
    assert decision["newest"]["links"] == 8
    assert set(decision["newest"]["horizons"]) == {"1", "5", "15"}


def test_an_equal_challenger_is_refused() -> None:
    decision = decide(LAST, LAST)
    assert decision["decision"] == "refuse"
    assert any(
        "no improvement on the newest slice is beyond chance" in reason
        for reason in decision["reasons"]
    )


def test_a_challenger_trained_on_shuffled_targets_is_refused() -> None:
    draw = np.random.default_rng(3)
    shuffled = Multiplier(lambda level: draw.permutation(level) / level)
    decision = decide(LAST, shuffled)
    assert decision["decision"] == "refuse"
    assert any("accuracy_20 on the newest slice falls" in reason for reason in decision["reasons"])


def test_a_challenger_that_forgot_an_old_set_is_refused_even_if_better_on_the_newest() -> None:
    forgetful = Multiplier(lambda level: np.where(level > 1e4, 0.5, 1.0))
    surer = replace(forgetful, name="challenger")
    before = Multiplier(lambda level: np.where(level > 1e4, 1.0, 0.5))
    decision = decide(
        before, surer, slow=example_points(seed=1), fast=example_points(low=1e6, seed=2)
    )
    assert decision["newest"]["horizons"]["1"]["accuracy_20"]["verdict"] == "better"
    (reason,) = decision["reasons"]
    assert reason.startswith("fast is forgotten: accuracy_20 by -0.")
    assert decision["decision"] == "refuse"


def test_a_single_link_is_not_enough_for_a_promotion() -> None:
    decision = judge(HALF, LAST, example_points(links=1), {}, ticking())
    assert decision["decision"] == "refuse"
    assert "no interval" in decision["reasons"][0]


class Machine:
    """Runs multipliers, each run at its pace; the time it has computed is the clock."""

    def __init__(self) -> None:
        self.now_s, self.runs = 0.0, 0

    def clock(self) -> float:
        return self.now_s

    def multiplier(self, factor: float, took_s: Callable[[int], float]) -> Multiplier:
        """Return one whose run ``n`` of all takes ``took_s(n)``."""
        machine = self

        @dataclass(frozen=True)
        class Timed(Multiplier):
            def predict(self, telemetry: np.ndarray) -> Prediction:
                machine.now_s += took_s(machine.runs)
                machine.runs += 1
                return super().predict(telemetry)

        return Timed(times(factor))


@pytest.mark.parametrize(
    ("took_s", "reasons"),
    [
        (0.00105, []),
        (0.0012, ["one window takes 20% more CPU time (20% to 20%), above 10%"]),
    ],
)
def test_a_slower_challenger_is_refused(took_s: float, reasons: list[str]) -> None:
    machine = Machine()
    champion = machine.multiplier(0.5, lambda _: 0.001)
    challenger = machine.multiplier(1.0, lambda _: took_s)
    decision = judge(champion, challenger, example_points(), {}, machine.clock)
    assert decision["reasons"] == reasons


def test_a_challenger_is_not_refused_for_what_the_machine_does_beside() -> None:
    """Half of the runs meet a busy machine, of the challenger's a few more: medians differ."""
    machine = Machine()
    champion = machine.multiplier(0.5, lambda run: 0.001 if run < 310 else 0.0014)
    challenger = machine.multiplier(1.0, lambda run: 0.001 if run < 290 else 0.0014)
    figures = latencies_ms(champion, challenger, example_points(), machine.clock)
    assert figures["champion"] == pytest.approx(1.0)
    assert figures["challenger"] == pytest.approx(1.4)
    assert figures["slower"]["interval"][0] < GateLimits().latency


def figures(**changed: float) -> dict:
    values = (
        {"hits": 0.02, "low": 0.01, "loss": -0.01, "calibration": 0.05}
        | {"old": 0.0, "old_high": -0.001, "slower": 0.0}
        | changed
    )
    hits = {"value": values["hits"], "interval": (values["low"], 0.05)}
    ahead = {
        "champion": {"calibration_error": 0.05},
        "challenger": {"calibration_error": values["calibration"]},
        "accuracy_20": hits | {"verdict": "better" if values["low"] > 0 else "noise"},
        "pinball": {"value": values["loss"], "interval": (-0.1, 0.1), "verdict": "noise"},
    }
    return {
        "newest": {"links": 8, "horizons": {"1": ahead}},
        "old": {
            "fcc": {
                "gained": {
                    "value": values["old"],
                    "interval": (-0.02, values["old_high"]),
                    "verdict": "worse" if values["old_high"] < 0 else "noise",
                }
            }
        },
        "latency_ms": {"slower": {"value": 0.2, "interval": (values["slower"], 0.3)}},
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
        ({"low": -0.001}, "no improvement on the newest slice is beyond chance"),
        ({"slower": 0.0999}, None),
        ({"slower": 0.1001}, "one window takes 20% more CPU time (10% to 30%), above 10%"),
        ({"loss": 0.001}, "pinball loss on the newest slice grows by 0.0010 of the rate"),
    ],
)
def test_each_limit_applies_exactly_at_its_value(
    changed: dict[str, float], reason: str | None
) -> None:
    objected = objections(figures(**changed), GateLimits())
    assert len(objected) == (reason is not None)
    assert not reason or objected[0].startswith(reason)
