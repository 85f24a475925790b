"""The gate: whether a challenger may take the champion's place, and every figure that says so.

Plain numpy over two forecasters; knows neither Ray nor the registry.
"""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pba.evaluation import metrics
from pba.evaluation.bootstrap import Difference, difference, lead
from pba.evaluation.candidates import CandidateForecasts, candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.walk_forward import walk_forward
from pba.models.base import Forecaster
from pba.types import HORIZONS, QUANTILES, Floats

__all__ = ["Limits", "answers", "judge", "kept", "latencies_ms", "measure", "reasons"]

Figures = dict[str, Any]

_MOST_MOMENTS = 20_000
_LEAST_MBPS = 0.01
_ROUNDS = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """How much worse a challenger may be.

    Parameters
    ----------
    forgotten
        Of accuracy_20 one step ahead on any of the old sets. What the set's traces put down to
        chance, their 95 % interval holding 0, does not count: the smallest sets move by more.
    calibration
        Of the calibration error one step ahead on the newest slice.
    latency
        Of the median time of one window, as a share of the champion's.
    """

    forgotten: float = 0.005
    calibration: float = 0.01
    latency: float = 0.1


def judge(
    champion: Forecaster,
    challenger: Forecaster,
    newest: EvaluationPoints,
    old: Mapping[str, EvaluationPoints],
    clock: Callable[[], float],
    limits: Limits = Limits(),
) -> Figures:
    """Return the decision, ``promote`` or ``refuse``, with its reasons and all figures.

    Parameters
    ----------
    newest
        Moments that neither has learnt from, each link a trace.
    old
        Set → moments of the original traces' ``val`` split.
    clock
        Seconds, for durations.
    """
    figures = measure(champion, challenger, newest, old)
    figures["latency_ms"] = latencies_ms(champion, challenger, newest, clock)
    figures["limits"] = asdict(limits)
    against = reasons(figures, limits)
    return {"decision": "refuse" if against else "promote", "reasons": against, **figures}


def reasons(figures: Figures, limits: Limits = Limits()) -> list[str]:
    """Return what speaks against the challenger; nothing where the gate says better.

    Better is: on the newest slice, one step ahead, no worse in accuracy_20 nor in pinball loss, and
    in one of them so much better that the 95 % interval over links leaves out 0; on no old set,
    in calibration and in latency not worse than ``limits`` allow.
    """
    ahead = figures["newest"]["horizons"]["1"]
    hits, loss = ahead["accuracy_20"], ahead["pinball"]
    found = []
    if hits["value"] < 0:
        found.append(f"accuracy_20 on the newest slice falls by {-hits['value']:.4f}")
    if loss["value"] > 0:
        found.append(f"pinball loss on the newest slice grows by {loss['value']:.4f} of the rate")
    if hits["verdict"] != "better" and loss["verdict"] != "better":
        found.append(
            "nothing on the newest slice is surely better: accuracy_20 by "
            f"{_interval(hits)}, pinball loss by {_interval(loss)} of the rate, over "
            f"{figures['newest']['links']} links"
        )
    found += [
        f"{name} is forgotten: accuracy_20 by {_interval(one['gained'])}, more than "
        f"{limits.forgotten:g} less"
        for name, one in figures["old"].items()
        if _lost(one["gained"], limits.forgotten)
    ]
    drift = ahead["challenger"]["calibration_error"] - ahead["champion"]["calibration_error"]
    if drift > limits.calibration:
        found.append(
            f"the calibration error on the newest slice grows by {drift:.4f}, more than "
            f"{limits.calibration:g}"
        )
    slower = figures["latency_ms"]["challenger"] / figures["latency_ms"]["champion"] - 1.0
    if slower > limits.latency:
        found.append(f"one window takes {slower:.0%} longer, more than {limits.latency:.0%}")
    return found


def _lost(gained: Figures, most: float) -> bool:
    """Return whether more than ``most`` was lost; chance is no loss, but one trace shows none."""
    by_chance = gained["interval"] is not None and gained["verdict"] == "noise"
    return bool(-gained["value"] > most and not by_chance)


def _interval(found: Figures) -> str:
    if found["interval"] is None:
        return f"{found['value']:+.4f} (no interval)"
    low, high = found["interval"]
    return f"{found['value']:+.4f} ({low:+.4f} to {high:+.4f})"


def measure(
    champion: Forecaster,
    challenger: Forecaster,
    newest: EvaluationPoints,
    old: Mapping[str, EvaluationPoints],
) -> Figures:
    """Return the figures of both, and their paired differences, challenger less champion.

    Pinball losses are shares of each link's mean rate on the slice, so that fast links do not
    speak for all. Of more than 20 000 moments of a set as many are drawn, the same for both.
    """
    drawn = _at_most(newest)
    before, after = _walked(champion, drawn), _walked(challenger, drawn)
    horizons = {
        str(steps): _ahead(before, after, drawn, at)
        for at, steps in enumerate(HORIZONS)
        if not np.isnan(drawn.actual_mbps[:, at]).all()
    }
    links = len(np.unique(drawn.trace))
    return {
        "newest": {"links": links, "windows": len(drawn), "horizons": horizons},
        "old": kept(answers(champion, old), answers(challenger, old), old),
    }


def answers(
    forecaster: Forecaster, old: Mapping[str, EvaluationPoints]
) -> dict[str, CandidateForecasts]:
    """Return what ``forecaster`` says on each old set, for `kept`."""
    return {name: _walked(forecaster, _at_most(one)) for name, one in old.items()}


def kept(
    champion: Mapping[str, CandidateForecasts],
    challenger: Mapping[str, CandidateForecasts],
    old: Mapping[str, EvaluationPoints],
) -> Figures:
    """Return, for each old set, how often both are right one step ahead, and what was gained."""
    found = {}
    for name, one in old.items():
        moments, before, after = _at_most(one), champion[name], challenger[name]
        found[name] = {
            "windows": len(moments),
            "champion": _accuracy(before, moments),
            "challenger": _accuracy(after, moments),
            "gained": _told(difference(after, before, moments, 0)),
        }
    return found


def _accuracy(said: CandidateForecasts, moments: EvaluationPoints) -> float:
    return metrics.accuracy(said.bandwidth_mbps[:, 0], moments.actual_mbps[:, 0])


def _at_most(moments: EvaluationPoints) -> EvaluationPoints:
    if len(moments) <= _MOST_MOMENTS:
        return moments
    drawn = np.random.default_rng(0).permutation(len(moments))[:_MOST_MOMENTS]
    return EvaluationPoints(moments.windows.only(np.sort(drawn)))


def _walked(forecaster: Forecaster, moments: EvaluationPoints) -> CandidateForecasts:
    return walk_forward(candidate(forecaster), moments)


def _ahead(
    before: CandidateForecasts, after: CandidateForecasts, moments: EvaluationPoints, at: int
) -> Figures:
    actual = moments.actual_mbps[:, at]
    known = ~np.isnan(actual)
    traces = moments.trace[known]
    rate = _mean_rates(actual[known], traces)
    old_loss, new_loss = (
        metrics.pinball_losses(one.quantiles_mbps[known, at], actual[known], np.array(QUANTILES))
        / rate
        for one in (before, after)
    )
    # Turned round for the verdict, where more is better, and back for the reader.
    gained = lead(old_loss - new_loss, traces)
    interval = gained.interval and (-gained.interval[1], -gained.interval[0])
    return {
        "champion": _alone(before, actual, at) | {"pinball": float(old_loss.mean())},
        "challenger": _alone(after, actual, at) | {"pinball": float(new_loss.mean())},
        "accuracy_20": _told(difference(after, before, moments, at)),
        "pinball": {"value": -gained.value, "interval": interval, "verdict": gained.verdict},
    }


def _mean_rates(actual: Floats, traces: np.ndarray) -> Floats:
    """Return the mean rate of each moment's link, Mbps."""
    total, count = np.bincount(traces, weights=actual), np.bincount(traces)
    return np.asarray(np.maximum(total / np.maximum(count, 1), _LEAST_MBPS)[traces])


def _alone(said: CandidateForecasts, actual: Floats, at: int) -> Figures:
    known = ~np.isnan(actual)
    hits = metrics.in_band(said.bandwidth_mbps[known, at], actual[known])
    return {
        "accuracy_20": float(hits.mean()),
        "calibration_error": metrics.calibration_error(said.confidence[known, at], hits),
    }


def _told(found: Difference) -> Figures:
    return asdict(found) | {"verdict": found.verdict}


def latencies_ms(
    champion: Forecaster,
    challenger: Forecaster,
    moments: EvaluationPoints,
    clock: Callable[[], float],
) -> dict[str, float]:
    """Return the median time of one window of each.

    Runs alternate, so that both feel alike what else the machine does.
    """
    pair = {"champion": champion, "challenger": challenger}
    took: dict[str, list[float]] = {name: [] for name in pair}
    for round_ in range(_ROUNDS):
        one = moments.windows.gather(np.array([round_ % len(moments)])).telemetry
        for name in sorted(pair, reverse=bool(round_ % 2)):
            start = clock()
            pair[name].predict(one)
            took[name].append((clock() - start) * 1e3)
    return {name: statistics.median(values) for name, values in took.items()}
