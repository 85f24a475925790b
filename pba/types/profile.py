"""The profile of each mode's network: window, layers, training defaults and accuracy target."""

from dataclasses import dataclass
from enum import StrEnum

from pba.types.forecast import INTERVALS
from pba.types.mode import NetworkMode

__all__ = ["PROFILES", "ModeProfile", "ModeSelection", "NetworkShape"]


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """The architecture of a network and its training defaults.

    Parameters
    ----------
    mode
        The mode that the network serves, or ``v1``.
    window
        Samples in its window.
    units
        Units of its two LSTM layers.
    dropout
        Share dropped after each LSTM.
    learning_rate
        Learning rate of Adam.
    epochs
        The most epochs of a training run.
    intervals
        Over how many of the next steps it predicts the mean: the first of `pba.types.INTERVALS`.
    """

    mode: str
    window: int
    units: tuple[int, int]
    dropout: float
    learning_rate: float
    epochs: int
    intervals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModeProfile(NetworkShape):
    """The network of one mode and its targets.

    Parameters
    ----------
    accuracy_target
        Share of forecasts that should be in band; also the confidence threshold.
    """

    mode: NetworkMode
    accuracy_target: float


# Runs in the data centre last a minute: 60 steps ahead cannot be calibrated on three sets.
PROFILES = {
    NetworkMode.DATACENTER: ModeProfile(
        NetworkMode.DATACENTER, 30, (128, 64), 0.2, 1e-3, 30, INTERVALS[:2], 0.85
    ),
    NetworkMode.INTERNET: ModeProfile(
        NetworkMode.INTERNET, 60, (256, 128), 0.3, 5e-4, 50, INTERVALS, 0.70
    ),
}


class ModeSelection(StrEnum):
    """The modes whose models a command handles."""

    BOTH = "both"
    DATACENTER = "datacenter"
    INTERNET = "internet"

    @property
    def modes(self) -> tuple[NetworkMode, ...]:
        """The selected modes."""
        return tuple(mode for mode in PROFILES if self in (ModeSelection.BOTH, mode.value))
