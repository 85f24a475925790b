"""A link's mode over time, with hysteresis.

To change it, two detections must agree, at least 10 s apart, and each must rest on several samples
that indicate the new mode by themselves. A link with a sample a minute has a detection a sample, so
the time alone would let one sample decide.
"""

from dataclasses import dataclass, replace

from pba.telemetry.mode_detection import agreeing_samples, detect_mode
from pba.types import Floats, NetworkMode

__all__ = ["CHECK_EVERY_US", "LinkMode"]

CHECK_EVERY_US = 10_000_000
"""The shortest interval between two detections, in the link's own time."""

_AGREEING_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class LinkMode:
    """The mode of a link, and the candidate for its next mode.

    Parameters
    ----------
    mode
        None before the first detection.
    since_us
        The time of the sample at which it began.
    candidate
        The result of the last detection, if that was another mode.
    checked_us
        The time of the sample of the last detection.
    switches
        The number of changes.
    """

    mode: NetworkMode | None = None
    since_us: int | None = None
    candidate: NetworkMode | None = None
    checked_us: int | None = None
    switches: int = 0

    def due(self, newest_us: int) -> bool:
        """Return whether 10 s of the link's time have passed since the last detection.

        A clock that is set back is a reason to detect too.
        """
        return self.checked_us is None or abs(newest_us - self.checked_us) >= CHECK_EVERY_US

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
        detected = detect_mode(telemetry)
        checked = replace(self, checked_us=newest_us)
        if self.mode is None:
            return replace(checked, mode=detected, since_us=newest_us)
        few = agreeing_samples(telemetry, detected) < _AGREEING_SAMPLES
        if detected is self.mode or few:
            return replace(checked, candidate=None)
        if detected is not self.candidate:
            return replace(checked, candidate=detected)
        return replace(
            checked, mode=detected, since_us=newest_us, candidate=None, switches=self.switches + 1
        )
