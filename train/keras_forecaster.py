"""A Keras network as a forecaster, before it is exported."""

from dataclasses import dataclass, fields
from typing import Any

from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.types import Floats

__all__ = ["KerasForecaster"]

_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class KerasForecaster:
    """What `pba.models.base.Forecaster` asks for, of a network that takes one window at a time."""

    model: Any
    bins: Bins

    @property
    def name(self) -> str:
        """What Keras calls it."""
        return str(self.model.name)

    @property
    def window(self) -> int:
        """The samples it takes."""
        return int(self.model.input_shape[1])

    def predict(self, telemetry: Floats) -> Prediction:
        """Return what it says of ``telemetry``, shape ``(batch, window, column)``."""
        outputs = self.model.predict(telemetry, batch_size=_CHUNK, verbose=0)
        return Prediction(**{field.name: outputs[field.name] for field in fields(Prediction)})
