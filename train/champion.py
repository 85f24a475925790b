"""The model that serves now: a retraining starts from it and compares its challenger with it."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pba.errors import BadArtifact
from pba.models.onnx import OnnxForecaster
from pba.nets import network
from pba.registry import SHIPPED, Pointer, Registry, artifacts
from pba.registry.pointers import NONE
from pba.types import Floats
from pba.types.profile import NetworkShape

__all__ = ["Champion", "load_champion", "read_shipped"]


@dataclass(frozen=True, slots=True, eq=False)
class Champion:
    """A verified model, the pointer that names it, and its Keras file."""

    pointer: Pointer
    forecaster: OnnxForecaster
    card: dict[str, Any]
    keras: bytes

    @property
    def columns_seen(self) -> tuple[bool, ...]:
        """Which of the five columns the model reads."""
        return tuple(self.card["columns_seen"])

    @property
    def seen_until_s(self) -> float:
        """The end of the telemetry that it was trained on, Unix seconds; minus infinity if none."""
        origin = self.card.get("retraining")
        return float(origin["cuts"]["gate_from_s"]) if origin else float("-inf")

    def shape(self, shape: NetworkShape) -> NetworkShape:
        """Return ``shape`` with the intervals of this model: a retraining adds none."""
        return replace(shape, intervals=self.forecaster.intervals)

    def weights(self, shape: NetworkShape) -> list[Floats]:
        """Return the weights from which a retraining starts.

        Raises
        ------
        BadArtifact
            If its Keras file cannot be read, or contains another network.
        """
        import keras

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / artifacts.keras_name(shape.mode)
            path.write_bytes(self.keras)
            try:
                saved = keras.saving.load_model(path, compile=False)
                return network.weights_of(saved, shape, self.forecaster.bins, self.columns_seen)
            except Exception as error:  # Keras raises errors of many kinds for a broken file
                raise BadArtifact(
                    f"the Keras file of {self.forecaster.version} cannot be trained further: "
                    f"{error!r:.300}. Publish the model again, or train one: python -m train."
                ) from error


def load_champion(registry: Registry, mode: str, shipped: Path) -> Champion:
    """Return the champion of ``mode``, or the model in ``shipped`` if the registry has none.

    Raises
    ------
    BadArtifact
        If it must not be served, or has no Keras file.
    """
    pointer = registry.champion(mode)
    if pointer.action == "unreadable":
        raise BadArtifact(pointer.why)
    if pointer.version == SHIPPED:
        return read_shipped(shipped, mode, pointer)
    loaded = registry.load(mode, pointer.version)
    return Champion(pointer, *loaded, registry.weights(mode, pointer.version))


def read_shipped(folder: Path, mode: str, pointer: Pointer = NONE) -> Champion:
    """Return the model of ``mode`` in ``folder``; raises as `load_champion` does."""
    path = folder / artifacts.keras_name(mode)
    if not path.is_file():
        raise BadArtifact(f"{path} does not exist; training starts from it. Copy it there.")
    return Champion(pointer, *artifacts.load(str(folder), mode), path.read_bytes())
