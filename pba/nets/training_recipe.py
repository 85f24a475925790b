"""The training recipe of each network: everything that differs between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from pba.models import v1_features
from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.nets import augmentation, network, v1_network
from pba.nets.bin_layout import bins_for
from pba.nets.inference.graph import inference_graph
from pba.nets.inference.trained_network import TrainedNetwork
from pba.nets.keras_conversion import convert_keras
from pba.nets.loss import window_loss
from pba.nets.restlessness import restlessness
from pba.nets.sharpness import Sharpness, fit_sharpness
from pba.nets.spread import fit_spread
from pba.telemetry.datasets import WindowBatch, WindowSet
from pba.types import COLUMNS
from pba.types.profile import NetworkShape

__all__ = ["FinishedNetwork", "TrainingRecipe", "calibrated", "training_recipe"]


@dataclass(frozen=True, slots=True, eq=False)
class FinishedNetwork:
    """A trained and calibrated network.

    Parameters
    ----------
    model
        The Keras model to save.
    graph
        The same as an ONNX model.
    calibration
        The calibration, for the model's card.
    """

    model: Any
    graph: Any
    calibration: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """How a network is built, trained and calibrated.

    Parameters
    ----------
    bins
        The layout of its probabilities.
    columns, learned
        As in `pba.models.onnx.OnnxForecaster`.
    build
        Seed and windows in a row → an untrained network, as in `pba.nets.network.build`.
    loss
        Outputs, and ``future_mbps``, ``path`` and ``mean_mbps`` of windows → the loss of each,
        shape ``(batch,)``.
    augment
        Training windows and a random generator → augmented windows.
    finish
        A trained network, its prediction for validation windows, and these → the network to
        export.
    """

    bins: Bins
    columns: tuple[str, ...]
    learned: str
    build: Callable[[int, int], Any]
    loss: Callable[[Any, Any, Any, Any], Any]
    augment: Callable[[WindowBatch, np.random.Generator], WindowBatch]
    finish: Callable[[Any, Prediction, WindowBatch], FinishedNetwork]


def training_recipe(
    shape: NetworkShape, train: WindowSet, columns_seen: tuple[bool, ...] | None = None
) -> TrainingRecipe:
    """Return the recipe of the network of ``shape`` trained on ``train``.

    Parameters
    ----------
    columns_seen
        Which of the five columns it uses; by default those that ``train`` has.
    """
    bins = bins_for(shape.mode)
    if shape.mode == v1_features.NAME:
        scale = v1_network.FeatureScale.of(train.values)
        return TrainingRecipe(
            bins,
            v1_features.COLUMNS,
            "level_mbps",
            partial(v1_network.build, shape, bins, scale),
            partial(v1_network.loss, scale),
            v1_network.augment,
            partial(_with_spread, bins),
        )
    seen = columns_seen or train.columns_seen
    return TrainingRecipe(
        bins,
        COLUMNS,
        "probabilities",
        partial(network.build, shape, bins, seen),
        window_loss(bins),
        augmentation.augment,
        partial(_with_sharpness, bins, seen),
    )


def calibrated(
    model: Any, bins: Bins, seen: Sequence[bool], sharpness: Sharpness
) -> FinishedNetwork:
    """Return ``model``, from `pba.nets.network.build`, calibrated by the ``sharpness`` given.

    ``bins`` and ``seen`` are those that it was built with.
    """
    graph = inference_graph(TrainedNetwork(model, bins, seen, sharpness))
    keras_model = network.calibrate(model, bins, sharpness)
    return FinishedNetwork(keras_model, graph, {"sharpness": sharpness.as_card()})


def _with_sharpness(
    bins: Bins, seen: tuple[bool, ...], model: Any, prediction: Prediction, batch: WindowBatch
) -> FinishedNetwork:
    restless = restlessness(batch.telemetry[:, :, 0], prediction.level_mbps, float(bins.edges[-1]))
    sharpness = fit_sharpness(prediction, batch.future_mbps, batch.mean_mbps, restless, bins)
    return calibrated(model, bins, seen, sharpness)


def _with_spread(
    bins: Bins, model: Any, prediction: Prediction, batch: WindowBatch
) -> FinishedNetwork:
    spread = fit_spread(prediction, batch.future_mbps, bins)
    model = v1_network.with_spread(model, spread)
    return FinishedNetwork(model, convert_keras(model), {"spread": spread.round(6).tolist()})
