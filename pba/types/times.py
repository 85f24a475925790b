"""Times as RFC 3339 text."""

from datetime import UTC, datetime

__all__ = ["rfc3339", "rfc3339_of"]


def rfc3339(moment: datetime) -> str:
    """Return ``moment`` in UTC as RFC 3339 text.

    >>> rfc3339(datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC))
    '2026-03-01T12:00:00.250000Z'
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def rfc3339_of(at_s: float) -> str:
    """Return Unix seconds as RFC 3339 text.

    >>> rfc3339_of(1_772_366_400.25)
    '2026-03-01T12:00:00.250000Z'
    """
    return rfc3339(datetime.fromtimestamp(at_s, UTC))
