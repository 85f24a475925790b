"""The plot of a replay: measured bandwidth, the forecast one step ahead, and its intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pba.errors import InvalidRequest
from pba.evaluation.trace_replay import ReplayOutcome
from pba.extras import require_library
from pba.types import QUANTILES

__all__ = ["check_plot", "draw"]

_ENDINGS = (".png", ".svg", ".pdf")
_INTERVALS = ((0.05, 0.95, 0.18), (0.25, 0.75, 0.3))
"""Lower level, upper level and opacity."""


def check_plot(path: Path) -> None:
    """Check that a plot can be drawn into ``path``, before a replay that may take long.

    Raises
    ------
    InvalidRequest
        If the ending is not that of an image.
    ImportError
        If matplotlib is not installed; serving does not need it.
    """
    if path.suffix not in _ENDINGS:
        raise InvalidRequest(f"{path} is no image; a plot is one of {', '.join(_ENDINGS)}.")
    require_library("matplotlib", "--plot")


def draw(outcomes: Sequence[ReplayOutcome], title: str, path: Path) -> None:
    """Plot ``outcomes``, one step ahead, into the image file ``path``."""
    from matplotlib.figure import Figure

    known = [outcome for outcome in outcomes if not np.isnan(outcome.actual_mbps[0])]
    horizons = [outcome.forecast.horizons[0] for outcome in known]
    quantiles = np.array([horizon.quantiles_mbps for horizon in horizons])
    actual = np.array([outcome.actual_mbps[0] for outcome in known])
    seconds = np.array([outcome.timestamp_s for outcome in known])
    seconds -= seconds[0]

    figure = Figure(figsize=(11, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    _draw_intervals(above, seconds, quantiles)
    point = [horizon.bandwidth_mbps for horizon in horizons]
    above.plot(seconds, point, color="C0", lw=1.2, label="forecast, one step ahead")
    above.plot(seconds, actual, color="black", lw=0.8, label="measured")
    top = np.nanpercentile(np.concatenate([actual, quantiles[:, -1]]), 99)
    above.set(ylabel="Mbps", title=title, ylim=(0, 1.15 * max(top, actual.max())))
    above.legend(loc="upper right", ncols=4, frameon=False)
    below.plot(seconds, [horizon.confidence for horizon in horizons], color="C2", lw=1)
    below.set(ylabel="confidence", xlabel="seconds", ylim=(0, 1.05))
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
    figure.savefig(path, dpi=110)


def _draw_intervals(axes: Any, seconds: np.ndarray, quantiles: np.ndarray) -> None:
    for low, high, opacity in _INTERVALS:
        edges = (quantiles[:, QUANTILES.index(level)] for level in (low, high))
        label = f"{high - low:.0%} interval"
        axes.fill_between(seconds, *edges, color="C0", alpha=opacity, lw=0, label=label)
