"""Times as RFC 3339 text."""

from datetime import UTC, datetime

__all__ = ["rfc3339_of"]


def rfc3339_of(at_s: float) -> str:
    """Return Unix seconds as RFC 3339 text.

    >>> rfc3339_of(1_772_366_400.25)
    '2026-03-01T12:00:00.250000Z'
    """
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
