"""Which bins each network speaks in. Exported files carry theirs: serving never asks."""

from pba.models import v1_features
from pba.models.distribution import Bins
from pba.types import NetworkMode

__all__ = ["bins_for"]

_COUNT, _REACH = 122, 6.0
# Data-centre links are steady to a per cent, so their bins are finer around the level.
_WIDTHS = {NetworkMode.DATACENTER: 0.02, NetworkMode.INTERNET: 0.05, v1_features.NAME: 0.05}


def bins_for(mode: str) -> Bins:
    """Return the bins of the network of ``mode`` (v1 is one); hybrid links have none of their own.

    >>> bins = bins_for(NetworkMode.DATACENTER)
    >>> print(len(bins), (bins.edges[61] - bins.edges[60]).round(4))
    122 0.0021
    """
    return Bins.spaced(_COUNT, _REACH, _WIDTHS[mode])
