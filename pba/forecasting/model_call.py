"""What the models of one request receive, and what they return."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pba.errors import Busy
from pba.models.base import Prediction
from pba.models.distribution import Bins, DecodedForecast
from pba.types import Floats

__all__ = ["ModelCall", "ModelFailure", "ModelOutput"]


@dataclass(frozen=True, slots=True, eq=False)
class ModelCall:
    """One call of one model.

    Parameters
    ----------
    model
        The model's name.
    plans
        For each row, the index of its plan in the request; a window with two readings has two rows.
    telemetry
        Windows, shape ``(row, window, column)``, physical units, NaN where not measured.
    """

    model: str
    plans: tuple[int, ...]
    telemetry: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutput:
    """A model's prediction for the windows of one call.

    Parameters
    ----------
    version, bins
        The model's.
    prediction
        Its distributions.
    decoded
        Points, confidences and quantiles of every row, of horizons and then of intervals; None if
        whoever needs them decodes.
    """

    version: str
    bins: Bins
    prediction: Prediction
    decoded: DecodedForecast | None = None

    @classmethod
    def concatenate(cls, parts: "Sequence[ModelOutput]") -> "ModelOutput":
        """Return ``parts`` of one version, at least one, as one output, in order."""
        prediction = Prediction.concatenate([part.prediction for part in parts])
        decoded = [part.decoded for part in parts if part.decoded is not None]
        all_decoded = (
            DecodedForecast(*map(np.concatenate, zip(*decoded, strict=True)))
            if len(decoded) == len(parts)
            else None
        )
        return cls(parts[0].version, parts[0].bins, prediction, all_decoded)

    def rows(self, start: int, stop: int) -> "ModelOutput":
        """Return the part for the windows from ``start`` to before ``stop``."""
        part = slice(start, stop)
        decoded = self.decoded and DecodedForecast(*(values[part] for values in self.decoded))
        return ModelOutput(self.version, self.bins, self.prediction.rows(start, stop), decoded)


@dataclass(frozen=True, slots=True)
class ModelFailure:
    """A call without an output.

    Parameters
    ----------
    reason
        ``model_unavailable``, ``model_late`` or ``model_busy``.
    busy
        The error of a forecast for which every model was busy; None unless this one was.
    """

    reason: str
    busy: Busy | None = None
