"""The two modes' profiles, and which mode a link is in. No state: hysteresis is the caller's."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pba.types import Floats, NetworkMode

__all__ = ["PROFILES", "Models", "Profile", "Shape", "detect_mode"]

_RECENT = 10
_DATACENTER_RTT_MS, _INTERNET_RTT_MS = 10.0, 50.0
_DATACENTER_MBPS = 1000.0


@dataclass(frozen=True, slots=True)
class Shape:
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
class Profile(Shape):
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
    NetworkMode.DATACENTER: Profile(
        NetworkMode.DATACENTER, 30, (128, 64), 0.2, 1e-3, 30, accuracy_target=0.85,
        latency_budget_ms=100.0,
    ),
    NetworkMode.INTERNET: Profile(
        NetworkMode.INTERNET, 60, (256, 128), 0.3, 5e-4, 50, accuracy_target=0.70,
        latency_budget_ms=150.0,
    ),
}  # fmt: skip


class Models(StrEnum):
    """Whose models a command is about."""

    BOTH = "both"
    DATACENTER = "datacenter"
    INTERNET = "internet"

    @property
    def modes(self) -> tuple[NetworkMode, ...]:
        """The modes that have one."""
        return tuple(mode for mode in PROFILES if self in (Models.BOTH, mode.value))


def detect_mode(telemetry: Floats) -> NetworkMode:
    """Return the mode that the last 10 samples speak for.

    The mean RTT and bandwidth decide: RTT below 10 ms and at least 1 Gbps is a data centre; RTT
    above 50 ms or below 1 Gbps is the internet; anything else is hybrid. Where RTT was never
    measured, bandwidth alone decides between data centre and internet.

    Parameters
    ----------
    telemetry
        Shape ``(sample, 5)``, columns as in `pba.types.COLUMNS`, at least one sample.

    Examples
    --------
    >>> fast = np.full((10, 5), np.nan)
    >>> fast[:, 0] = 4000.0
    >>> detect_mode(fast).value
    'datacenter'
    >>> fast[:, 1] = 20.0
    >>> detect_mode(fast).value
    'hybrid'
    """
    recent = telemetry[-_RECENT:]
    bandwidth_mbps = recent[:, 0].mean()
    measured = recent[:, 1][~np.isnan(recent[:, 1])]
    if bandwidth_mbps < _DATACENTER_MBPS:
        return NetworkMode.INTERNET
    if not measured.size:
        return NetworkMode.DATACENTER
    rtt_ms = measured.mean()
    if rtt_ms < _DATACENTER_RTT_MS:
        return NetworkMode.DATACENTER
    return NetworkMode.INTERNET if rtt_ms > _INTERNET_RTT_MS else NetworkMode.HYBRID
