"""Detection of a link's mode from its newest samples, without state.

The hysteresis is in `pba.telemetry.link_mode`.
"""

import math

from pba.telemetry.medians import median_of_sorted
from pba.types import Floats, NetworkMode

__all__ = ["RECENT", "agreeing_samples", "detect_mode"]

RECENT = 10
"""How many of the newest samples a mode is detected from."""

_DATACENTER_RTT_MS, _INTERNET_RTT_MS = 10.0, 50.0
_DATACENTER_MBPS = 1000.0


def detect_mode(telemetry: Floats) -> NetworkMode:
    """Return the mode that the last 10 samples indicate.

    It follows from median RTT and median bandwidth, so that one odd sample changes nothing: RTT
    below 10 ms and at least 1 Gbps is datacenter; RTT above 50 ms or less than 1 Gbps is internet;
    anything else is hybrid. Without any measured RTT, bandwidth alone decides between datacenter
    and internet.

    Parameters
    ----------
    telemetry
        Shape ``(sample, 5)``, columns as in `pba.types.COLUMNS`, at least one sample.

    Examples
    --------
    >>> import numpy as np
    >>> fast = np.full((10, 5), np.nan)
    >>> fast[:, 0] = 4000.0
    >>> detect_mode(fast).value
    'datacenter'
    >>> fast[:, 1] = 20.0
    >>> detect_mode(fast).value
    'hybrid'
    """
    recent = telemetry[-RECENT:]
    measured = sorted(rtt for rtt in recent[:, 1].tolist() if not math.isnan(rtt))
    rtt_ms = median_of_sorted(measured) if measured else math.nan
    return _mode(median_of_sorted(sorted(recent[:, 0].tolist())), rtt_ms)


def agreeing_samples(telemetry: Floats, mode: NetworkMode) -> int:
    """Return how many of the last 10 samples indicate ``mode`` by themselves.

    >>> import numpy as np
    >>> slow = np.full((4, 5), 50.0)
    >>> slow[0, 0] = 4000.0
    >>> agreeing_samples(slow, NetworkMode.INTERNET)
    3
    """
    recent = telemetry[-RECENT:, :2].tolist()
    return sum(_mode(bandwidth_mbps, rtt_ms) is mode for bandwidth_mbps, rtt_ms in recent)


def _mode(bandwidth_mbps: float, rtt_ms: float) -> NetworkMode:
    """Return the mode of a link with these values; ``rtt_ms`` may be NaN."""
    if bandwidth_mbps < _DATACENTER_MBPS:
        return NetworkMode.INTERNET
    if math.isnan(rtt_ms) or rtt_ms < _DATACENTER_RTT_MS:
        return NetworkMode.DATACENTER
    return NetworkMode.INTERNET if rtt_ms > _INTERNET_RTT_MS else NetworkMode.HYBRID
