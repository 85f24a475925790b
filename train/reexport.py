"""Exports a trained network again: same weights, the graph that today's code writes."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pba.nets import network
from pba.nets.onnx_export import Origin
from pba.nets.training_recipe import calibrated, training_recipe
from pba.types import NetworkMode
from pba.types.profile import PROFILES

from .artifact_writer import export, write_served_files
from .champion import read_shipped
from .model_card import next_version, revision
from .splits import splits_from_traces

__all__ = ["export_again"]


def export_again(folder: Path, mode: NetworkMode, traces: Path, command: str) -> dict[str, Any]:
    """Replace the ONNX file, golden answers and card in ``folder``; return the card.

    The Keras file stays. The new file is checked against it and measured on the ``test`` splits
    before anything is replaced. The card keeps the origin of the weights.

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
    finished = calibrated(model, recipe.bins, seen, old.card["sharpness"])
    version = next_version(mode, datetime.now(UTC).date(), folder)
    origin = Origin(version, seen, tuple(old.card["trained_on"]), old.card["revision"])
    content, metrics = export(recipe, finished, origin, data.test)
    card = old.card | {
        "version": version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "metrics": metrics,
        "exported": {"from": old.card["version"], "revision": revision(), "command": command},
    }
    write_served_files(folder, content, card)
    return card
