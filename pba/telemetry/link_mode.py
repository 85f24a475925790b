"""A link's mode over time: detected anew every so often, and changed when two detections agree."""

from dataclasses import dataclass, replace

from pba.telemetry.mode_detection import detect_mode
from pba.types import Floats, NetworkMode

__all__ = ["CHECK_EVERY_US", "LinkMode"]

CHECK_EVERY_US = 10_000_000
"""How much of a link's own time lies between two detections, at least."""


@dataclass(frozen=True, slots=True)
class LinkMode:
    """What mode a link is in, and whether it is about to change.

    Parameters
    ----------
    mode
        None before the first detection.
    since_us
        The sample at which it began.
    candidate
        What the last detection found, if that was another mode.
    checked_us
        The sample at which it was last detected.
    switches
        How often it has changed.
    """

    mode: NetworkMode | None = None
    since_us: int | None = None
    candidate: NetworkMode | None = None
    checked_us: int | None = None
    switches: int = 0

    def due(self, newest_us: int) -> bool:
        """Return whether 10 s of the link's time have passed since the last detection."""
        return self.checked_us is None or newest_us - self.checked_us >= CHECK_EVERY_US

    def after(self, telemetry: Floats, newest_us: int) -> "LinkMode":
        """Return the mode after one more detection, on ``telemetry (sample, 5)``.

        Examples
        --------
        >>> import numpy as np
        >>> slow, fast = np.full((10, 5), 50.0), np.full((10, 5), 5000.0)
        >>> fast[:, 1] = 1.0
        >>> link = LinkMode().after(slow, 0).after(fast, 10_000_000)
        >>> link.mode.value, link.candidate.value
        ('internet', 'datacenter')
        >>> link.after(fast, 20_000_000).mode.value
        'datacenter'
        """
        found = detect_mode(telemetry)
        checked = replace(self, checked_us=newest_us)
        if self.mode is None:
            return replace(checked, mode=found, since_us=newest_us)
        if found is self.mode:
            return replace(checked, candidate=None)
        if found is not self.candidate:
            return replace(checked, candidate=found)
        return replace(
            checked, mode=found, since_us=newest_us, candidate=None, switches=self.switches + 1
        )
