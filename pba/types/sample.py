"""One measurement of a link, the range of each of its values, and the name of a link."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from pba.errors import InvalidInput, quoted

__all__ = ["COLUMNS", "LIMITS", "Limit", "NetworkMetrics", "check_link_id"]

COLUMNS = ("bandwidth_mbps", "latency_ms", "packet_loss", "jitter_ms", "throughput_mbps")
"""The columns of a telemetry array, in order."""


class Limit(NamedTuple):
    """The range of one column, and the rule and remedy for the error message."""

    highest: float
    rule: str
    remedy: str


_MBPS = Limit(1e7, "a rate between 0 and 1e7 Mbps", "Divide bits per second by 1e6.")
_MS = Limit(1e6, "a time between 0 and 1e6 ms", "Divide microseconds by 1000.")
_SHARE = Limit(1.0, "a share between 0 and 1", "Divide percentages by 100.")
LIMITS = dict(zip(COLUMNS, (_MBPS, _MS, _SHARE, _MS, _MBPS), strict=True))
"""The range of each column; the lowest value is always 0."""

_LINK_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._:@>-]{1,200}")  # paths lose "." and ".."


@dataclass(frozen=True, slots=True)
class NetworkMetrics:
    """One measurement of a link.

    Parameters
    ----------
    timestamp
        A datetime (naive ones are taken as UTC) or Unix seconds.
    bandwidth_mbps, throughput_mbps
        Rates in Mbps; ``throughput_mbps`` may be NaN (not measured).
    latency_ms, jitter_ms
        Round-trip time and its variation in ms; may be NaN.
    packet_loss
        Share of packets lost, 0 to 1; may be NaN.
    during_transfer
        Whether a transfer ran meanwhile: such samples do not score forecasts of transfers.
    """

    timestamp: datetime | float
    bandwidth_mbps: float
    latency_ms: float = math.nan
    packet_loss: float = math.nan
    jitter_ms: float = math.nan
    throughput_mbps: float = math.nan
    during_transfer: bool = False

    @property
    def timestamp_s(self) -> float:
        """Unix seconds of the measurement."""
        if not isinstance(self.timestamp, datetime):
            return float(self.timestamp)
        timestamp = self.timestamp
        return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)).timestamp()

    @property
    def values(self) -> tuple[float, float, float, float, float]:
        """The five measured values in the order of `COLUMNS`."""
        return (
            self.bandwidth_mbps,
            self.latency_ms,
            self.packet_loss,
            self.jitter_ms,
            self.throughput_mbps,
        )


def check_link_id(link_id: str) -> str:
    """Return ``link_id`` if it is 1 to 200 of ``A-Z a-z 0-9 . _ : @ > -``, but not . or .. alone.

    Raises
    ------
    InvalidInput
        For any other text.
    """
    if not _LINK_ID.fullmatch(link_id):
        raise InvalidInput(
            f"link_id is {quoted(link_id)}; it has 1 to 200 characters of A-Z a-z 0-9 . _ : @ > -, "
            "and is not . or .. alone. Replace the others, slashes and spaces too.",
            "link_id",
        )
    return link_id
