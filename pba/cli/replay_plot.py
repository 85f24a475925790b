"""The picture of a replay: what was measured, the forecast one step ahead, and its bands."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pba.evaluation.trace_replay import ReplayOutcome
from pba.types import QUANTILES

__all__ = ["draw"]


def draw(outcomes: Sequence[ReplayOutcome], title: str, path: Path) -> None:
    """Draw ``outcomes``, one step ahead, into the PNG ``path``.

    Raises
    ------
    ImportError
        Where matplotlib is not installed; serving does without.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "--plot needs matplotlib, which serving does without. Install requirements/train.txt."
        ) from error
    known = [outcome for outcome in outcomes if not np.isnan(outcome.actual_mbps[0])]
    said = [outcome.forecast.horizons[0] for outcome in known]
    quantiles = np.array([horizon.quantiles_mbps for horizon in said])
    point = np.array([horizon.bandwidth_mbps for horizon in said])
    actual = np.array([outcome.actual_mbps[0] for outcome in known])
    seconds = np.array([outcome.timestamp_s for outcome in known])
    seconds -= seconds[0]

    figure = Figure(figsize=(11, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    for low, high, opacity in ((0.05, 0.95, 0.18), (0.25, 0.75, 0.3)):
        edges = (quantiles[:, QUANTILES.index(level)] for level in (low, high))
        label = f"{high - low:.0%} band"
        above.fill_between(seconds, *edges, color="C0", alpha=opacity, lw=0, label=label)
    above.plot(seconds, point, color="C0", lw=1.2, label="forecast, one step ahead")
    above.plot(seconds, actual, color="black", lw=0.8, label="measured")
    top = np.nanpercentile(np.concatenate([actual, quantiles[:, -1]]), 99)
    above.set(ylabel="Mbps", title=title, ylim=(0, 1.15 * max(top, actual.max())))
    above.legend(loc="upper right", ncols=4, frameon=False)
    below.plot(seconds, [horizon.confidence for horizon in said], color="C2", lw=1)
    below.set(ylabel="confidence", xlabel="seconds", ylim=(0, 1.05))
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0)
    figure.savefig(path, dpi=110)
