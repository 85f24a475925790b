"""Plots of an evaluation: reliability, accuracy by set, confidence against share, bands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pba.evaluation.candidates import CandidateForecasts
from pba.evaluation.confident_part import GOALS
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.targets import described
from pba.types import QUANTILES

__all__ = ["draw_accuracy", "draw_bands", "draw_confident_part", "draw_reliability"]

_TOTALS = {"counted": ("all points", "C0"), "unseen": ("unseen networks", "C1")}
_BESIDE: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6, "va": "center"}
_STRETCH = 300
_MIN_COUNT = 50  # fewer forecasts in a bin of confidence are not drawn


def draw_reliability(figures: Mapping[str, Any], model: str, title: str, path: Path) -> None:
    """Draw confidence against accuracy, and the share of forecasts above each confidence."""
    figure = _figure(10, 4.2)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="0.7", lw=1)
    for index, (steps, scores) in enumerate(figures["pooled"][model].items()):
        label, color = described(steps), f"C{index}"
        bins = [row for row in scores["reliability"] if row["count"] >= _MIN_COUNT]
        size = np.array([row["count"] for row in bins]) / scores["count"]
        confidence, hits = ([row[key] for row in bins] for key in ("confidence", "accuracy_20"))
        left.plot(confidence, hits, color=color, lw=1, label=label)
        left.scatter(confidence, hits, s=300 * size, color=color, alpha=0.6, lw=0)
        thresholds = [row for row in scores["answered"] if row["accuracy_20"] is not None]
        share, accuracy = ([row[key] for row in thresholds] for key in ("share", "accuracy_20"))
        right.plot(share, accuracy, marker=".", color=color, label=label)
        if index == 0:  # labels of the other horizons would overlap these
            _label_thresholds(right, thresholds)
    left.set(xlabel="confidence", ylabel="share in band", title=f"{title}: reliability")
    right.set(xlabel="share of forecasts with at least this confidence", ylabel="share in band")
    right.set(title="accuracy above each confidence")
    left.legend(frameon=False)
    _save(figure, path)


def _label_thresholds(axes: Any, thresholds: list[dict[str, Any]]) -> None:
    for row in thresholds:
        axes.annotate(
            f"≥ {row['confidence']:g}",
            (row["share"], row["accuracy_20"]),
            textcoords="offset points",
            xytext=(5, 4),
            fontsize=8,
        )


def draw_confident_part(figures: Mapping[str, Any], title: str, path: Path) -> None:
    """Draw the accuracy of the most confident forecasts one step ahead by their share, by set."""
    figure = _figure(8, 5)
    axes = figure.subplots()
    for name, targets in figures["confident"].items():
        if "1" not in targets:
            continue
        share, _, accuracy = zip(*targets["1"]["curve"], strict=True)
        style = _TOTALS.get(name)
        if style is None:
            axes.plot(share, accuracy, color="0.75", lw=0.8)
            axes.annotate(name, (1.0, accuracy[-1]), xytext=(4, 0), **_BESIDE)
        else:
            axes.plot(share, accuracy, lw=2, color=style[1], label=style[0])
    for goal in GOALS:
        axes.axhline(goal, color="0.4", lw=0.6, ls=":")
    axes.set(xlabel="share of forecasts, the most confident ones first", ylabel="share in band")
    axes.set_title(f"{title}: one step ahead; grey: each set")
    axes.legend(frameon=False, loc="lower left")
    _save(figure, path)


def draw_accuracy(figures: Mapping[str, Any], model: str, title: str, path: Path) -> None:
    """Draw accuracy_20 one step ahead by set: the model and its rivals."""
    sets = {name: results["scores"] for name, results in figures["sets"].items()}
    rivals = [candidate for candidate in next(iter(sets.values())) if candidate != model]
    figure = _figure(max(6.0, 1.4 * len(sets) + 2), 4.2)
    axes = figure.subplots()
    for index, scores in enumerate(sets.values()):
        accuracies = [scores[rival]["1"]["accuracy_20"] for rival in rivals if rival in scores]
        best = max(accuracies)
        axes.bar(index - 0.2, best, 0.38, color="0.75", label=None if index else "best rival")
        reached = scores[model]["1"]["accuracy_20"]
        axes.bar(index + 0.2, reached, 0.38, color="C0", label=None if index else "PBA")
        places = [index - 0.2] * len(accuracies)
        marks = axes.scatter(places, accuracies, s=9, color="0.35", zorder=3)
        marks.set_label(None if index else "each rival")
    axes.set_xticks(range(len(sets)), list(sets), rotation=25, ha="right")
    axes.set(ylabel="share within ±20 %", title=f"{title}: one step ahead")
    axes.set_ylim(0, 1.18)
    axes.legend(frameon=False, ncols=3, loc="upper center")
    _save(figure, path)


def draw_bands(
    forecasts: Mapping[str, CandidateForecasts],
    points: Mapping[str, EvaluationPoints],
    path: Path,
) -> None:
    """Draw, for every set, the stretch with most changes and its forecasts one step ahead."""
    figure = _figure(10, 2.1 * len(forecasts))
    rows = np.atleast_1d(figure.subplots(len(forecasts), 1))
    for axes, (name, forecast) in zip(rows, forecasts.items(), strict=True):
        stretch = _most_changes(points[name])
        steps = np.arange(len(stretch))
        for low, high, opacity in ((0.05, 0.95, 0.18), (0.25, 0.75, 0.3)):
            levels = (QUANTILES.index(level) for level in (low, high))
            edges = (forecast.quantiles_mbps[stretch, 0, level] for level in levels)
            axes.fill_between(steps, *edges, color="C0", alpha=opacity, lw=0)
        axes.plot(steps, forecast.bandwidth_mbps[stretch, 0], color="C0", lw=1)
        actual = points[name].actual_mbps[stretch, 0]
        axes.plot(steps, actual, color="black", lw=0.7)
        axes.set(ylabel="Mbps", ylim=(0, 1.25 * max(actual.max(), 1e-3)))
        trace = points[name].windows.names[points[name].trace[stretch[0]]]
        axes.set_title(f"{name}, {trace}", fontsize=9, loc="left")
        axes.margins(x=0)
    rows[-1].set_xlabel("samples")
    figure.suptitle("measured (black), forecast one step ahead with its 50 % and 90 % bands")
    _save(figure, path)


def _most_changes(points: EvaluationPoints) -> np.ndarray:
    """Return the stretch of at most 300 points of one trace with the most changes."""
    changes = np.cumsum(points.near_change[:, 0])
    stop = np.minimum(
        np.arange(len(points)) + _STRETCH, np.searchsorted(points.trace, points.trace, "right")
    )
    start = int(np.argmax(changes[stop - 1] - changes + points.near_change[:, 0]))
    return np.arange(start, stop[start])


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
