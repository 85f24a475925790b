"""The bins of each network. Exported files contain theirs, so serving does not need these."""

from pba.models import v1_features
from pba.models.distribution import Bins
from pba.types import NetworkMode

__all__ = ["bins_for"]

_COUNT, _REACH = 122, 6.0
# Datacenter links are steady to a per cent, so their bins are finer around the level.
_WIDTHS = {NetworkMode.DATACENTER: 0.02, NetworkMode.INTERNET: 0.05, v1_features.NAME: 0.05}


def bins_for(mode: str) -> Bins:
    """Return the bins of the network of ``mode``, which may be v1; hybrid has no network.

    >>> bins = bins_for(NetworkMode.DATACENTER)
    >>> print(len(bins), (bins.edges[61] - bins.edges[60]).round(4))
    122 0.0021
    """
    return Bins.spaced(_COUNT, _REACH, _WIDTHS[mode])
