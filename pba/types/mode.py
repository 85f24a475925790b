"""Network modes: what kind of network a link crosses."""

from enum import StrEnum

from pba.errors import InvalidMode, quoted

__all__ = ["NetworkMode", "parse_mode"]


class NetworkMode(StrEnum):
    """What kind of network a link crosses; ``HYBRID`` is the borderline between the two."""

    DATACENTER = "datacenter"
    INTERNET = "internet"
    HYBRID = "hybrid"


def parse_mode(name: str | NetworkMode) -> NetworkMode:
    """Return the mode called ``name``, in upper or lower case.

    Raises
    ------
    InvalidMode
        For any other name.

    Examples
    --------
    >>> parse_mode("Internet").value
    'internet'
    """
    try:
        return NetworkMode(name.lower())
    except (ValueError, AttributeError):
        known = ", ".join(NetworkMode)
        raise InvalidMode(f"mode is {quoted(name)}; it is one of {known}.", "mode") from None
