"""A Keras network as a forecaster, before it is exported."""

from dataclasses import dataclass
from typing import Any

from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.types import Floats

__all__ = ["KerasForecaster"]

_OUTPUTS = ("probabilities", "level_mbps", "path", "intervals")
_CHUNK = 512


@dataclass(frozen=True, slots=True, eq=False)
class KerasForecaster:
    """A `pba.models.base.Forecaster` over a network that takes single windows."""

    model: Any
    bins: Bins

    @property
    def name(self) -> str:
        """The name of the Keras model."""
        return str(self.model.name)

    @property
    def window(self) -> int:
        """The number of samples in a window."""
        return int(self.model.input_shape[1])

    def predict(self, telemetry: Floats) -> Prediction:
        """Return the predictions for ``telemetry``, shape ``(batch, window, column)``."""
        outputs = self.model.predict(telemetry, batch_size=_CHUNK, verbose=0)
        return Prediction(**{name: outputs[name] for name in _OUTPUTS if name in outputs})
