"""What the graph needs of a trained network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pba.models.distribution import Bins
from pba.nets.sharpness import Sharpness
from pba.types import Floats

__all__ = ["TrainedNetwork"]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """A trained network, its bins, columns and calibration.

    Parameters
    ----------
    model
        From `pba.nets.network.build` with ``in_a_row = 1``, before `calibrate`.
    bins
        The layout of its probabilities.
    seen
        The columns it was built with.
    sharpness
        Its calibration, None for a network without one.
    """

    model: Any
    bins: Bins
    seen: Sequence[bool]
    sharpness: Sharpness | None = None

    @property
    def window(self) -> int:
        """The samples of a window."""
        return int(self.model.input_shape[1])

    @property
    def intervals(self) -> int:
        """Of how many intervals it predicts the mean."""
        outputs = self.model.output
        return int(outputs["intervals"].shape[1]) if "intervals" in outputs else 0

    @property
    def reach(self) -> float:
        """The largest absolute log-ratio."""
        return float(self.bins.edges[-1])

    def weights(self, name: str) -> list[Floats]:
        """Return the weights of a layer, in double precision."""
        return [values.astype(float) for values in self.model.get_layer(name).get_weights()]
