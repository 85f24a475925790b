"""Reporters' clocks: one that was ahead and is set right, and one in another time zone.

Times are in microseconds, those of samples by the reporter's clock, others by the service's.
"""

__all__ = ["TOLERANCE_US", "was_set_back", "zone_suspected"]

TOLERANCE_US = 5_000_000
"""How far ahead of the service's clock a sample may be without being taken for wrong."""

_LIVE_US = 60_000_000
_HALF_HOUR_US = 1_800_000_000
_FARTHEST_ZONES = 28  # half hours: the widest offset from UTC is 14 hours
_ZONE_TOLERANCE_US = 30_000_000


def was_set_back(stored_us: int, reported_us: int, now_us: int) -> bool:
    """Return whether a report shows that the stored newest sample came from a clock ahead.

    The stored sample lies in the future, and the report brings a sample of the last minute.

    Parameters
    ----------
    stored_us, reported_us
        The times of the newest sample that is stored and of the newest one in the report.

    Examples
    --------
    >>> second = 1_000_000
    >>> was_set_back(340 * second, 100 * second, 101 * second)
    True
    >>> was_set_back(340 * second, 341 * second, 101 * second)
    False
    """
    live = now_us - _LIVE_US <= reported_us <= now_us + TOLERANCE_US
    return live and stored_us > now_us + TOLERANCE_US


def zone_suspected(newest_us: int, received_us: int) -> bool:
    """Return whether a sample is as old or as new as if its time were in another time zone.

    That is a whole number of half hours, 14 hours at most, to 30 s.

    >>> hour = 3_600_000_000
    >>> zone_suspected(0, 2 * hour + 1_000_000), zone_suspected(0, 2 * hour + 300_000_000)
    (True, False)
    """
    age_us = received_us - newest_us
    half_hours = round(age_us / _HALF_HOUR_US)
    near = abs(age_us - half_hours * _HALF_HOUR_US) <= _ZONE_TOLERANCE_US
    return near and 0 < abs(half_hours) <= _FARTHEST_ZONES
