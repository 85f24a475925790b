"""Units of rates, times and shares as files write them, and their factors."""

import re

from pba.errors import InvalidTrace

__all__ = ["mbps_factor", "ms_factor", "rate_unit", "share_factor", "split_unit"]

_PREFIX = {"": 1e-6, "k": 1e-3, "m": 1.0, "g": 1e3}
_WORD = {"kilo": "k", "mega": "m", "giga": "g"}
_RATE = re.compile(
    r"(?P<prefix>k|m|g|kilo|mega|giga)?"
    r"(?P<what>bits?|bytes?|b|o|octets?)"
    r"(?:ps|/s|/sec|_s|_sec|_per_s|_per_sec|_per_second|/second)",
    re.IGNORECASE,
)
_BITS = re.compile(r"(?P<prefix>k|m|g)(?P<what>bits?)", re.IGNORECASE)
_MS = {"s": 1e3, "sec": 1e3, "seconds": 1e3, "ms": 1.0, "msec": 1.0, "us": 1e-3, "ns": 1e-6}
_SHARE = {"%": 0.01, "pct": 0.01, "percent": 0.01}


def rate_unit(text: str) -> float | None:
    """Return the factor from a unit of rates to Mbps; None if ``text`` is no such unit.

    A capital B is a byte and a small b a bit; ``bps`` and ``Mbps`` count bits.

    Examples
    --------
    >>> rate_unit("kbps"), rate_unit("MB/s"), rate_unit("bytes_per_second"), rate_unit("km/h")
    (0.001, 8.0, 8e-06, None)
    """
    match = _RATE.fullmatch(text) or _BITS.fullmatch(text)
    if not match:
        return None
    prefix = (match["prefix"] or "").lower()
    what = match["what"]
    octets = what == "B" or what.lower().startswith(("byte", "o"))
    return _PREFIX[_WORD.get(prefix, prefix)] * (8.0 if octets else 1.0)


def mbps_factor(unit: str) -> float:
    """Return the factor of a unit that a user gives.

    Raises
    ------
    InvalidTrace
        If ``unit`` is none.
    """
    factor = rate_unit(unit)
    if factor is None:
        raise InvalidTrace(
            f"unit is {unit!r}; it is one such as bit/s, kbit/s, Mbit/s, byte/s, kB/s or MB/s. "
            "Name the unit of the rates in the file."
        )
    return factor


def split_unit(name: str) -> tuple[str, str]:
    """Return a column's name in small letters without its unit, and the unit as it is written.

    Examples
    --------
    >>> split_unit("Bandwidth (Mbps)"), split_unit("rtt_us"), split_unit("loss %")
    (('bandwidth', 'Mbps'), ('rtt', 'us'), ('loss', '%'))
    >>> split_unit("bits_per_second"), split_unit("packet loss")
    (('', 'bits_per_second'), ('packet_loss', ''))
    """
    words = re.sub(r"[\s()\[\]:.-]+", "_", name.strip().strip('"')).strip("_").split("_")
    for start in range(len(words)):
        unit = "_".join(words[start:])
        if rate_unit(unit) is not None or unit.lower() in (*_MS, *_SHARE):
            return "_".join(words[:start]).lower(), unit
    return "_".join(words).lower(), ""


def ms_factor(unit: str) -> float | None:
    """Return the factor from a unit of time to ms; None if ``unit`` is none.

    >>> ms_factor("us"), ms_factor("Mbps")
    (0.001, None)
    """
    return _MS.get(unit.lower())


def share_factor(unit: str) -> float | None:
    """Return the factor from a unit of shares to 1; None if ``unit`` is none.

    >>> share_factor("percent")
    0.01
    """
    return _SHARE.get(unit.lower())
