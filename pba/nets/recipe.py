"""What one network is and how it is taught: all that differs between them, so one loop does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pba import baseline
from pba.distribution import Bins
from pba.models.base import Prediction
from pba.modes import Shape
from pba.nets import augment, network, v1
from pba.nets.calibration import fit_sharpness, fit_spread
from pba.nets.data import Batch, WindowSet
from pba.nets.layout import bins_for
from pba.nets.loss import window_loss
from pba.types import COLUMNS, Floats

__all__ = ["Recipe", "recipe_for"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is built, taught and finished.

    Parameters
    ----------
    bins
        The layout of its probabilities.
    columns, learned
        As `pba.models.onnx.OnnxForecaster` tells them.
    build
        Seed and windows in a row → an untrained network, as `pba.nets.network.build` says.
    loss
        Outputs, ``future_mbps`` and ``path`` → the loss of each window, shape ``(batch,)``.
    vary
        Windows to learn from, and randomness → the same made harder.
    finish
        A trained network, what it says of windows that it did not learn from, and what came of
        them, ``(batch, horizon)`` → the network to export, and what its card tells of that.
    """

    bins: Bins
    columns: tuple[str, ...]
    learned: str
    build: Callable[[int, int], Any]
    loss: Callable[[Any, Any, Any], Any]
    vary: Callable[[Batch, np.random.Generator], Batch]
    finish: Callable[[Any, Prediction, Floats], tuple[Any, dict[str, Any]]]


def recipe_for(
    shape: Shape, train: WindowSet, columns_seen: tuple[bool, ...] | None = None
) -> Recipe:
    """Return how to make the network of ``shape`` that learns from ``train``.

    Parameters
    ----------
    columns_seen
        Which of the five columns it looks at, if not those that ``train`` measures.
    """
    bins = bins_for(shape.mode)
    if shape.mode == baseline.NAME:
        scale = v1.Scale.of(train.values)
        return Recipe(
            bins,
            baseline.COLUMNS,
            "level_mbps",
            partial(v1.build, shape, bins, scale),
            partial(v1.loss, scale),
            v1.vary,
            partial(_with_spread, bins),
        )
    return Recipe(
        bins,
        COLUMNS,
        "probabilities",
        partial(network.build, shape, bins, columns_seen or train.columns_seen),
        window_loss(bins),
        augment.vary,
        partial(_with_sharpness, bins),
    )


def _with_sharpness(
    bins: Bins, model: Any, said: Prediction, actual_mbps: Floats
) -> tuple[Any, dict[str, Any]]:
    sharpness = fit_sharpness(said, actual_mbps, bins)
    return network.calibrated(model, bins, sharpness), {"sharpness": sharpness}


def _with_spread(
    bins: Bins, model: Any, said: Prediction, actual_mbps: Floats
) -> tuple[Any, dict[str, Any]]:
    spread = fit_spread(said, actual_mbps, bins)
    return v1.with_spread(model, spread), {"spread": spread.round(6).tolist()}
