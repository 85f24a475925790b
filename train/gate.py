"""The promotion gate: whether a challenger may replace the champion, with all figures.

Plain numpy over two forecasters; uses neither Ray nor the registry.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pba.evaluation import metrics
from pba.evaluation.bootstrap import Difference, accuracy_difference, bootstrap_mean
from pba.evaluation.candidates import CandidateForecasts, served_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.walk_forward import walk_forward
from pba.models.base import Forecaster
from pba.types import HORIZONS, QUANTILES, Floats

__all__ = [
    "GateLimits",
    "compare",
    "compare_old_sets",
    "forecast_sets",
    "judge",
    "latencies_ms",
    "objections",
]

Figures = dict[str, Any]

_MOST_POINTS = 20_000
_LEAST_MBPS = 0.01
_BLOCKS, _PAIRS = 15, 20


@dataclass(frozen=True, slots=True)
class GateLimits:
    """How much worse than the champion a challenger may be.

    Parameters
    ----------
    forgotten
        In accuracy_20 one step ahead on each of the old sets. A loss whose 95 % interval over the
        set's traces contains 0 does not count: the smallest sets vary by more than this.
    calibration
        In the calibration error one step ahead on the newest slice.
    latency
        In the CPU time of one window, as a share of the champion's. More counts only if the whole
        95 % interval is above this: on a busy machine the same network varies by more.
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
    limits: GateLimits = GateLimits(),
) -> Figures:
    """Return the decision, ``promote`` or ``refuse``, with its reasons and all figures.

    Parameters
    ----------
    newest
        Points that neither was trained on; each link is a trace.
    old
        Set → points of the part of the original traces' `val` split that judges, as
        `judging.points_by_set` returns them.
    clock
        Seconds of CPU time, for durations.
    """
    figures = compare(champion, challenger, newest, old)
    figures["latency_ms"] = latencies_ms(champion, challenger, newest, clock)
    figures["limits"] = asdict(limits)
    reasons = objections(figures, limits)
    return {"decision": "refuse" if reasons else "promote", "reasons": reasons, **figures}


def objections(figures: Figures, limits: GateLimits = GateLimits()) -> list[str]:
    """Return the reasons against a promotion; empty if the challenger is better.

    It is better if, one step ahead on the newest slice, it is worse in neither accuracy_20 nor
    pinball loss, and in one of them so much better that the 95 % interval over links excludes 0,
    and if on each old set, in calibration and in latency it is within ``limits``.
    """
    ahead = figures["newest"]["horizons"]["1"]
    reasons = _newest_objections(ahead, figures["newest"]["links"])
    reasons += [
        f"{name} is forgotten: accuracy_20 by {_interval(comparison['gained'])}, more than "
        f"{limits.forgotten:g} less"
        for name, comparison in figures["old"].items()
        if _is_loss(comparison["gained"], limits.forgotten)
    ]
    increase = ahead["challenger"]["calibration_error"] - ahead["champion"]["calibration_error"]
    if increase > limits.calibration:
        reasons.append(
            f"the calibration error on the newest slice grows by {increase:.4f}, more than "
            f"{limits.calibration:g}"
        )
    slower = figures["latency_ms"]["slower"]
    if slower["interval"][0] > limits.latency:
        low, high = slower["interval"]
        reasons.append(
            f"one window takes {slower['value']:.0%} more CPU time ({low:.0%} to {high:.0%}), "
            f"above {limits.latency:.0%}"
        )
    return reasons


def _newest_objections(ahead: Figures, links: int) -> list[str]:
    hits, loss = ahead["accuracy_20"], ahead["pinball"]
    reasons = []
    if hits["value"] < 0:
        reasons.append(f"accuracy_20 on the newest slice falls by {-hits['value']:.4f}")
    if loss["value"] > 0:
        reasons.append(f"pinball loss on the newest slice grows by {loss['value']:.4f} of the rate")
    if hits["verdict"] != "better" and loss["verdict"] != "better":
        reasons.append(
            "no improvement on the newest slice is beyond chance: accuracy_20 by "
            f"{_interval(hits)}, pinball loss by {_interval(loss)} of the rate, over {links} links"
        )
    return reasons


def _is_loss(gained: Figures, tolerance: float) -> bool:
    """Return whether more than ``tolerance`` is lost, beyond chance where an interval exists."""
    by_chance = gained["interval"] is not None and gained["verdict"] == "noise"
    return bool(-gained["value"] > tolerance and not by_chance)


def _interval(difference: Figures) -> str:
    if difference["interval"] is None:
        return f"{difference['value']:+.4f} (no interval)"
    low, high = difference["interval"]
    return f"{difference['value']:+.4f} ({low:+.4f} to {high:+.4f})"


def compare(
    champion: Forecaster,
    challenger: Forecaster,
    newest: EvaluationPoints,
    old: Mapping[str, EvaluationPoints],
) -> Figures:
    """Return the figures of both, and their paired differences, challenger less champion.

    Pinball losses are relative to each link's mean rate on the slice, so that fast links do not
    dominate. From a set of more than 20 000 points that many are drawn, the same for both.
    """
    points = _sample(newest)
    before, after = _forecasts(champion, points), _forecasts(challenger, points)
    horizons = {
        str(steps): _compare_horizon(before, after, points, horizon)
        for horizon, steps in enumerate(HORIZONS)
        if not np.isnan(points.actual_mbps[:, horizon]).all()
    }
    links = len(np.unique(points.trace))
    return {
        "newest": {"links": links, "windows": len(points), "horizons": horizons},
        "old": compare_old_sets(forecast_sets(champion, old), forecast_sets(challenger, old), old),
    }


def forecast_sets(
    forecaster: Forecaster, sets: Mapping[str, EvaluationPoints]
) -> dict[str, CandidateForecasts]:
    """Return the forecasts of ``forecaster`` on each set, as `compare_old_sets` takes them."""
    return {name: _forecasts(forecaster, _sample(points)) for name, points in sets.items()}


def compare_old_sets(
    champion: Mapping[str, CandidateForecasts],
    challenger: Mapping[str, CandidateForecasts],
    old: Mapping[str, EvaluationPoints],
) -> Figures:
    """Return, for each old set, the accuracy_20 of both one step ahead and the gain."""
    comparisons = {}
    for name, of_set in old.items():
        points, before, after = _sample(of_set), champion[name], challenger[name]
        comparisons[name] = {
            "windows": len(points),
            "champion": _accuracy(before, points),
            "challenger": _accuracy(after, points),
            "gained": _difference_figures(accuracy_difference(after, before, points, 0)),
        }
    return comparisons


def _accuracy(forecasts: CandidateForecasts, points: EvaluationPoints) -> float:
    return metrics.accuracy(forecasts.bandwidth_mbps[:, 0], points.actual_mbps[:, 0])


def _sample(points: EvaluationPoints) -> EvaluationPoints:
    if len(points) <= _MOST_POINTS:
        return points
    drawn = np.random.default_rng(0).permutation(len(points))[:_MOST_POINTS]
    return EvaluationPoints(points.windows.only(np.sort(drawn)))


def _forecasts(forecaster: Forecaster, points: EvaluationPoints) -> CandidateForecasts:
    return walk_forward(served_candidate(forecaster, forecaster.name), points)


def _compare_horizon(
    before: CandidateForecasts, after: CandidateForecasts, points: EvaluationPoints, horizon: int
) -> Figures:
    actual = points.actual_mbps[:, horizon]
    known = ~np.isnan(actual)
    traces = points.trace[known]
    rate = _mean_rates(actual[known], traces)
    old_loss, new_loss = (
        metrics.pinball_losses(
            forecasts.quantiles_mbps[known, horizon], actual[known], np.array(QUANTILES)
        )
        / rate
        for forecasts in (before, after)
    )
    # The verdict takes more as better, so the reduction of the loss; the report gives its growth.
    reduction = bootstrap_mean(old_loss - new_loss, traces)
    interval = reduction.interval and (-reduction.interval[1], -reduction.interval[0])
    return {
        "champion": _figures(before, actual, horizon) | {"pinball": float(old_loss.mean())},
        "challenger": _figures(after, actual, horizon) | {"pinball": float(new_loss.mean())},
        "accuracy_20": _difference_figures(accuracy_difference(after, before, points, horizon)),
        "pinball": {
            "value": -reduction.value,
            "interval": interval,
            "verdict": reduction.verdict,
        },
    }


def _mean_rates(actual: Floats, traces: np.ndarray) -> Floats:
    """Return the mean rate of each point's link, Mbps."""
    total, count = np.bincount(traces, weights=actual), np.bincount(traces)
    return np.asarray(np.maximum(total / np.maximum(count, 1), _LEAST_MBPS)[traces])


def _figures(forecasts: CandidateForecasts, actual: Floats, horizon: int) -> Figures:
    known = ~np.isnan(actual)
    hits = metrics.in_band(forecasts.bandwidth_mbps[known, horizon], actual[known])
    return {
        "accuracy_20": float(hits.mean()),
        "calibration_error": metrics.calibration_error(forecasts.confidence[known, horizon], hits),
    }


def _difference_figures(difference: Difference) -> Figures:
    return asdict(difference) | {"verdict": difference.verdict}


def latencies_ms(
    champion: Forecaster,
    challenger: Forecaster,
    points: EvaluationPoints,
    clock: Callable[[], float],
) -> Figures:
    """Return the median time of one window of each by ``clock``, and how much slower one is.

    Other load on the machine may come and go while this measures. So the two alternate, the ratio
    is taken of each pair of runs, and the interval is over blocks of pairs. Where about half of the
    runs meet other load, medians of each alone may differ by all that it costs.
    """
    pair = {"champion": champion, "challenger": challenger}
    durations_ms: dict[str, list[float]] = {name: [] for name in pair}
    for round_ in range(_BLOCKS * _PAIRS):
        window = points.windows.gather(np.array([round_ % len(points)])).telemetry
        for name in sorted(pair, reverse=bool(round_ % 2)):
            start = clock()
            pair[name].predict(window)
            durations_ms[name].append((clock() - start) * 1e3)
    medians = {name: statistics.median(values) for name, values in durations_ms.items()}
    return medians | {"slower": _slower(durations_ms["champion"], durations_ms["challenger"])}


def _slower(before_ms: Sequence[float], after_ms: Sequence[float]) -> Figures:
    """Return the share by which the second takes longer, and its interval over blocks of pairs."""
    ratios = np.log(np.array(after_ms) / np.array(before_ms)).reshape(_BLOCKS, _PAIRS)
    difference = bootstrap_mean(np.median(ratios, axis=1), np.arange(_BLOCKS))
    assert difference.interval is not None
    low, high = np.expm1(difference.interval).tolist()
    return {"value": math.expm1(difference.value), "interval": (low, high)}
