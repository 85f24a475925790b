"""The profile of each mode's network: window, layers, training defaults and accuracy target."""

from dataclasses import dataclass
from enum import StrEnum

from pba.types.mode import NetworkMode

__all__ = ["PROFILES", "ModeSelection", "ModeProfile", "NetworkShape"]


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What a network is, and how it is trained.

    Parameters
    ----------
    mode
        The mode that it serves, or ``v1``.
    window
        Samples that it looks back on.
    units
        Units of its two LSTM layers.
    dropout
        Share dropped after each LSTM.
    learning_rate
        Adam's.
    epochs
        The most epochs of a training run.
    """

    mode: str
    window: int
    units: tuple[int, int]
    dropout: float
    learning_rate: float
    epochs: int


@dataclass(frozen=True, slots=True)
class ModeProfile(NetworkShape):
    """What belongs to one mode's model.

    Parameters
    ----------
    accuracy_target
        Share of forecasts that should be in band; also the confidence threshold.
    latency_budget_ms
        How long a forecast may take.
    """

    mode: NetworkMode
    accuracy_target: float
    latency_budget_ms: float


PROFILES = {
    NetworkMode.DATACENTER: ModeProfile(
        NetworkMode.DATACENTER, 30, (128, 64), 0.2, 1e-3, 30, accuracy_target=0.85,
        latency_budget_ms=100.0,
    ),
    NetworkMode.INTERNET: ModeProfile(
        NetworkMode.INTERNET, 60, (256, 128), 0.3, 5e-4, 50, accuracy_target=0.70,
        latency_budget_ms=150.0,
    ),
}  # fmt: skip


class ModeSelection(StrEnum):
    """Whose models a command is about."""

    BOTH = "both"
    DATACENTER = "datacenter"
    INTERNET = "internet"

    @property
    def modes(self) -> tuple[NetworkMode, ...]:
        """The modes that have one."""
        return tuple(mode for mode in PROFILES if self in (ModeSelection.BOTH, mode.value))
