"""Rates that are probably in another unit than Mbps."""

import numpy as np

from pba.telemetry.medians import median_of_sorted
from pba.types import Floats

__all__ = ["unit_suspected", "units_possible"]

_HIGHEST_MBPS = 800_000.0  # the fastest Ethernet port
_FACTORS = (8.0, 1e3, 1e6)  # bytes for bits, kbit/s, bit/s
_TOLERANCE = 0.2
_LEAST_FACTOR = _FACTORS[0] * (1 - _TOLERANCE)
_SAMPLES = 5


def unit_suspected(rate_mbps: Floats) -> bool:
    """Return whether the newest of ``rate_mbps (sample,)`` are probably not in Mbps.

    That is so over 800 000 Mbps, and if each of the last five samples is 8, 1000 or 1 000 000
    times the median of the samples before them, to 20 %.

    Examples
    --------
    >>> import numpy as np
    >>> unit_suspected(np.array([6.0, 6.1, 5.9, 6.0, 6.2] + [5.95e6] * 5))
    True
    >>> unit_suspected(np.array([6.0, 6.1, 5.9, 6.0, 6.2] + [12.0] * 5))
    False
    """
    newest = rate_mbps[-_SAMPLES:].tolist()
    if not newest:
        return False
    if newest[-1] > _HIGHEST_MBPS:
        return True
    if len(rate_mbps) < 2 * _SAMPLES or newest[-1] < _LEAST_FACTOR * rate_mbps.min():
        return False
    usual_mbps = median_of_sorted(sorted(rate_mbps[:-_SAMPLES].tolist()))
    return any(
        all(abs(rate - factor * usual_mbps) <= _TOLERANCE * factor * usual_mbps for rate in newest)
        for factor in _FACTORS
        if usual_mbps > 0
    )


def units_possible(rate_mbps: Floats) -> np.ndarray:
    """Return which rows of ``rate_mbps (window, sample)`` `unit_suspected` may suspect."""
    newest = rate_mbps[:, -1]
    rises = newest >= _LEAST_FACTOR * np.min(rate_mbps, axis=1)
    return np.asarray((newest > _HIGHEST_MBPS) | rises)
