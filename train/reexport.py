"""Exports a trained network again: same weights, today's graph, on request a new calibration."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pba.nets import network
from pba.nets.onnx_export import Origin
from pba.nets.sharpness import Sharpness
from pba.nets.training_recipe import calibrated, training_recipe
from pba.registry import artifacts
from pba.types import NetworkMode
from pba.types.profile import PROFILES

from .artifact_writer import calibrate, export, write_served_files
from .champion import read_shipped
from .model_card import next_version, revision
from .splits import splits_from_traces
from .training_plan import VAL_PER_SET

__all__ = ["export_again"]


def export_again(
    folder: Path, mode: NetworkMode, traces: Path, command: str, again: bool = False
) -> dict[str, Any]:
    """Replace the ONNX file, golden answers and card in ``folder``; return the card.

    The new file is checked against Keras and measured on the ``test`` splits before anything is
    replaced. The card keeps the origin of the weights. The Keras file stays, unless the network is
    calibrated again.

    Parameters
    ----------
    again
        Whether to fit the calibration again, on the part of the ``val`` traces that tunes.

    Raises
    ------
    BadArtifact
        If the model in ``folder`` cannot be read or must not be served, or if the export differs
        from Keras.
    """
    old = read_shipped(folder, mode)
    shape = old.shape(PROFILES[mode])
    data = splits_from_traces(traces, mode, shape.window)
    seen = old.columns_seen
    recipe = training_recipe(shape, data.train, seen)
    model = network.build(shape, recipe.bins, seen)
    model.set_weights(old.weights(shape))
    if again:
        finished = calibrate(recipe, model, data.val, old.card["seed"], VAL_PER_SET)
    else:
        sharpness = Sharpness.from_card(old.card["sharpness"])
        finished = calibrated(model, recipe.bins, seen, sharpness)
    version = next_version(mode, datetime.now(UTC).date(), folder)
    origin = Origin(version, seen, tuple(old.card["trained_on"]), old.card["revision"])
    content, metrics = export(recipe, finished, origin, data.test)
    card = old.card | {
        "version": version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "metrics": metrics,
        **finished.calibration,
        "exported": {"from": old.card["version"], "revision": revision(), "command": command},
    }
    if again:
        finished.model.save(folder / artifacts.keras_name(mode))
    write_served_files(folder, content, card)
    return card
