"""Detection of a link's mode from its newest samples, without state.

The hysteresis is in `pba.telemetry.link_mode`.
"""

import numpy as np

from pba.types import Floats, NetworkMode

__all__ = ["detect_mode"]

_RECENT = 10
_DATACENTER_RTT_MS, _INTERNET_RTT_MS = 10.0, 50.0
_DATACENTER_MBPS = 1000.0


def detect_mode(telemetry: Floats) -> NetworkMode:
    """Return the mode that the last 10 samples indicate.

    It follows from mean RTT and mean bandwidth: RTT below 10 ms and at least 1 Gbps is datacenter;
    RTT above 50 ms or less than 1 Gbps is internet; anything else is hybrid. Without any measured
    RTT, bandwidth alone decides between datacenter and internet.

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
