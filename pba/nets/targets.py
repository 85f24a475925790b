"""Training targets of the network: ordinal, slightly smoothed. Plain numpy."""

import numpy as np

from pba.models.distribution import Bins
from pba.types import Floats

__all__ = ["soft_targets"]

_SPREAD_BINS = 0.7


def soft_targets(bins: Bins) -> Floats:
    """Return the target distribution for an actual in each bin, shape ``(bin, bin)``.

    A Gaussian of 0.7 bins around the actual's bin gives neighbouring bins some probability. The
    outage has no neighbours: it is never smoothed.

    Examples
    --------
    >>> soft_targets(Bins.spaced(6, 1.0, 0.5))[2].round(2)
    array([0.  , 0.21, 0.58, 0.21, 0.01, 0.  ], dtype=float32)
    """
    index = np.arange(len(bins))
    target = np.exp(-0.5 * ((index[:, None] - index) / _SPREAD_BINS) ** 2)
    target[0, 1:] = target[1:, 0] = 0.0
    rows: Floats = (target / target.sum(axis=1, keepdims=True)).astype(np.float32)
    return rows
