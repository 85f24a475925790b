"""Where, and how surely, the mean of a series changes."""

import math

import numpy as np

from pba.types import Floats

__all__ = ["FEWEST", "confidence", "split"]

FEWEST = 5
"""Values on either side of a change."""


def split(values: Floats) -> int:
    """Return where the second part of ``values`` begins: the best fit by two means.

    >>> split(np.array([1.0, 1.1, 0.9, 1.0, 1.1, 5.0, 5.1, 4.9, 5.0, 5.1, 5.0]))
    5
    """
    count = np.arange(1, len(values))
    excess = np.cumsum(values - values.mean())[:-1]
    gain = excess**2 / (count * (len(values) - count))
    return FEWEST + int(np.argmax(gain[FEWEST - 1 : 1 - FEWEST]))


def confidence(values: Floats, at: int) -> float:
    """Return how sure it is that the mean of ``values`` changes at ``at``.

    One less the two-sided p-value of the difference of the means, times the number of places at
    which the split could have been (Bonferroni). Each part's variance is its own or that of both,
    whichever is greater, times ``(1 + r) / (1 - r)``, ``r`` the correlation of neighbours: what the
    mean of an AR(1) series varies by (Box, Jenkins and Reinsel, "Time series analysis", 2.1).
    Approximate: ``r`` is estimated, and memory longer than an AR(1)'s is not seen.

    >>> confidence(np.array([1.0, 2.0] * 10 + [2.0, 3.0] * 10), 20)
    0.999
    """
    parts = values[:at], values[at:]
    rest = np.concatenate([part - part.mean() for part in parts])
    both = float(rest @ rest) / len(rest)
    if both == 0.0:
        return 1.0
    neighbours = min(max(float(rest[1:] @ rest[:-1]) / float(rest @ rest), 0.0), 0.99)
    memory = (1.0 + neighbours) / (1.0 - neighbours)
    square = sum(max(float(part.var()), both) / len(part) for part in parts) * memory
    z = abs(float(parts[1].mean() - parts[0].mean())) / math.sqrt(square)
    return 1.0 - min(1.0, (len(values) - 2 * FEWEST + 1) * math.erfc(z / math.sqrt(2.0)))
