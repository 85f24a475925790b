"""Pictures of an evaluation: reliability, accuracy by set, confidence against share, bands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pba.evaluation.candidates import CandidateForecasts
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.types import QUANTILES

__all__ = ["draw_accuracy", "draw_bands", "draw_reliability"]

_STRETCH = 300
_FEW = 50  # a part of confidence with fewer forecasts says nothing


def draw_reliability(figures: Mapping[str, Any], model: str, title: str, path: Path) -> None:
    """Draw confidence against the share in band, and how much is answered at which confidence."""
    figure = _figure(10, 4.2)
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], [0, 1], color="0.7", lw=1)
    for at, (steps, found) in enumerate(figures["pooled"][model].items()):
        label = f"{steps} step{'s' * (steps != '1')} ahead"
        points = [point for point in found["reliability"] if point["count"] >= _FEW]
        size = np.array([point["count"] for point in points]) / found["count"]
        sure, hits = ([point[key] for point in points] for key in ("confidence", "accuracy_20"))
        left.plot(sure, hits, color=f"C{at}", lw=1, label=label)
        left.scatter(sure, hits, s=300 * size, color=f"C{at}", alpha=0.6, lw=0)
        kept = [point for point in found["answered"] if point["accuracy_20"] is not None]
        share, reached = ([point[key] for point in kept] for key in ("share", "accuracy_20"))
        right.plot(share, reached, marker=".", color=f"C{at}", label=label)
        if at == 0:  # where the curves meet, more labels would cover each other
            for point in kept:
                right.annotate(
                    f"≥ {point['confidence']:g}",
                    (point["share"], point["accuracy_20"]),
                    textcoords="offset points",
                    xytext=(5, 4),
                    fontsize=8,
                )
    left.set(xlabel="confidence", ylabel="share in band", title=f"{title}: what confidence means")
    right.set(xlabel="share of forecasts that are so sure", ylabel="share of those in band")
    right.set(title="who waits for confidence gets more hits")
    left.legend(frameon=False)
    _save(figure, path)


def draw_accuracy(figures: Mapping[str, Any], model: str, title: str, path: Path) -> None:
    """Draw accuracy_20 one step ahead by set: the model and its rivals."""
    sets = {name: one["scores"] for name, one in figures["sets"].items()}
    rivals = [who for who in next(iter(sets.values())) if who != model]
    figure = _figure(max(6.0, 1.4 * len(sets) + 2), 4.2)
    axes = figure.subplots()
    for at, scores in enumerate(sets.values()):
        held = [scores[who]["1"]["accuracy_20"] for who in rivals if who in scores]
        best = max(held)
        axes.bar(at - 0.2, best, 0.38, color="0.75", label="best rival" if at == 0 else None)
        reached = scores[model]["1"]["accuracy_20"]
        axes.bar(at + 0.2, reached, 0.38, color="C0", label="PBA" if at == 0 else None)
        marks = axes.scatter([at - 0.2] * len(held), held, s=9, color="0.35", zorder=3)
        marks.set_label("each rival" if at == 0 else None)
    axes.set_xticks(range(len(sets)), list(sets), rotation=25, ha="right")
    axes.set(ylabel="share within ±20 %", title=f"{title}: one step ahead")
    axes.set_ylim(0, 1.18)
    axes.legend(frameon=False, ncols=3, loc="upper center")
    _save(figure, path)


def draw_bands(
    said: Mapping[str, CandidateForecasts], moments: Mapping[str, EvaluationPoints], path: Path
) -> None:
    """Draw, for every set, the stretch with most changes and its forecasts one step ahead."""
    figure = _figure(10, 2.1 * len(said))
    rows = np.atleast_1d(figure.subplots(len(said), 1))
    for axes, (name, what) in zip(rows, said.items(), strict=True):
        found = moments[name]
        at = _restless(found)
        steps = np.arange(len(at))
        for low, high, opacity in ((0.05, 0.95, 0.18), (0.25, 0.75, 0.3)):
            edges = (what.quantiles_mbps[at, 0, QUANTILES.index(level)] for level in (low, high))
            axes.fill_between(steps, *edges, color="C0", alpha=opacity, lw=0)
        axes.plot(steps, what.bandwidth_mbps[at, 0], color="C0", lw=1)
        actual = found.actual_mbps[at, 0]
        axes.plot(steps, actual, color="black", lw=0.7)
        axes.set(ylabel="Mbps", ylim=(0, 1.25 * max(actual.max(), 1e-3)))
        axes.set_title(f"{name}, {found.windows.names[found.trace[at[0]]]}", fontsize=9, loc="left")
        axes.margins(x=0)
    rows[-1].set_xlabel("samples")
    figure.suptitle("measured (black), forecast one step ahead with its 50 % and 90 % bands")
    _save(figure, path)


def _restless(moments: EvaluationPoints) -> np.ndarray:
    """Return the moments of the stretch of at most 300 in one trace with the most changes."""
    changes = np.cumsum(moments.near_change[:, 0])
    stop = np.minimum(
        np.arange(len(moments)) + _STRETCH, np.searchsorted(moments.trace, moments.trace, "right")
    )
    start = int(np.argmax(changes[stop - 1] - changes + moments.near_change[:, 0]))
    return np.arange(start, stop[start])


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
