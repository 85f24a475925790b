"""Which mode a link is in, from its newest samples. No state: `link_mode` holds the hysteresis."""

import numpy as np

from pba.types import Floats, NetworkMode

__all__ = ["detect_mode"]

_RECENT = 10
_DATACENTER_RTT_MS, _INTERNET_RTT_MS = 10.0, 50.0
_DATACENTER_MBPS = 1000.0


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
