"""The nouns of PBA: sample, history, mode, forecast. Values only; nothing here computes one."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from pba.errors import InvalidHistory, InvalidInput, InvalidMode, InvalidSample

__all__ = [
    "COLUMNS",
    "HORIZONS",
    "LIMITS",
    "QUANTILES",
    "Allocation",
    "Floats",
    "Forecast",
    "History",
    "HorizonForecast",
    "Member",
    "NetworkMetrics",
    "NetworkMode",
    "check_link_id",
    "check_samples",
    "parse_mode",
    "rfc3339",
    "rfc3339_of",
]

Floats = NDArray[np.floating[Any]]

COLUMNS = ("bandwidth_mbps", "latency_ms", "packet_loss", "jitter_ms", "throughput_mbps")
"""The columns of a telemetry array, in order."""

HORIZONS = (1, 5, 15)
"""How many steps ahead a forecast looks."""

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The levels of the quantiles that a forecast carries."""


class Limit(NamedTuple):
    """The range of one column and what to say to someone outside it."""

    highest: float
    rule: str
    remedy: str


_MBPS = Limit(1e7, "a rate between 0 and 1e7 Mbps", "Divide bits per second by 1e6.")
_MS = Limit(1e6, "a time between 0 and 1e6 ms", "Divide microseconds by 1000.")
_SHARE = Limit(1.0, "a share between 0 and 1", "Divide percentages by 100.")
LIMITS = dict(zip(COLUMNS, (_MBPS, _MS, _SHARE, _MS, _MBPS), strict=True))
"""The range of each column; the lowest value is always 0."""

_HIGHEST = np.array([limit.highest for limit in LIMITS.values()])
_YEAR_10000 = 253_402_300_800.0
_LINK_ID = re.compile(r"[A-Za-z0-9._:@>-]{1,200}")


class NetworkMode(StrEnum):
    """What kind of network a link crosses; ``HYBRID`` is the borderline between the two."""

    DATACENTER = "datacenter"
    INTERNET = "internet"
    HYBRID = "hybrid"


def parse_mode(name: str | NetworkMode) -> NetworkMode:
    """Return the mode called ``name``, upper or lower case.

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
        raise InvalidMode(f"mode is {name!r}; it is one of {known}.", "mode") from None


def check_link_id(link_id: str) -> str:
    """Return ``link_id`` if it is 1 to 200 of the characters ``A-Z a-z 0-9 . _ : @ > -``."""
    if not _LINK_ID.fullmatch(link_id):
        raise InvalidInput(
            f"link_id is {link_id[:210]!r}; it has 1 to 200 characters of A-Z a-z 0-9 . _ : @ > -. "
            "Replace the others, slashes and spaces too.",
            "link_id",
        )
    return link_id


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
    """

    timestamp: datetime | float
    bandwidth_mbps: float
    latency_ms: float = math.nan
    packet_loss: float = math.nan
    jitter_ms: float = math.nan
    throughput_mbps: float = math.nan

    @property
    def timestamp_s(self) -> float:
        """Unix seconds of the measurement."""
        if not isinstance(self.timestamp, datetime):
            return float(self.timestamp)
        moment = self.timestamp
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

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


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Samples of one link, oldest first, checked when made.

    Parameters
    ----------
    timestamps_s
        Unix seconds, shape ``(sample,)``, strictly increasing.
    telemetry
        Physical units, shape ``(sample, 5)``, columns as in `COLUMNS`, NaN where not measured.

    Raises
    ------
    InvalidSample
        For a bandwidth that is missing or a value outside its range, naming the sample.
    InvalidHistory
        For timestamps that do not increase, naming the two samples.
    """

    timestamps_s: Floats
    telemetry: Floats

    def __post_init__(self) -> None:
        check_samples(self.timestamps_s, self.telemetry, "history")
        _check_order(self.timestamps_s)

    @classmethod
    def of(cls, samples: Iterable[NetworkMetrics]) -> Self:
        """Return the history of ``samples``, given oldest first."""
        rows = [(sample.timestamp_s, *sample.values) for sample in samples]
        table = np.array(rows, dtype=float).reshape(-1, 1 + len(COLUMNS))
        return cls(table[:, 0], table[:, 1:])

    def __len__(self) -> int:
        """Return how many samples there are."""
        return len(self.timestamps_s)

    def first(self, count: int) -> "History":
        """Return the oldest ``count`` samples (all of them where there are fewer)."""
        return _unchecked(self.timestamps_s[:count], self.telemetry[:count])

    def last(self, count: int) -> "History":
        """Return the newest ``count`` samples (all of them where there are fewer)."""
        if count >= len(self):
            return self
        start = len(self) - count
        return _unchecked(self.timestamps_s[start:], self.telemetry[start:])


def _unchecked(timestamps_s: Floats, telemetry: Floats) -> History:
    """Return a part of a history that was checked when the whole was made."""
    part = object.__new__(History)
    object.__setattr__(part, "timestamps_s", timestamps_s)
    object.__setattr__(part, "telemetry", telemetry)
    return part


def check_samples(timestamps_s: Floats, telemetry: Floats, name: str) -> None:
    """Hold every sample to the ranges of `LIMITS`, in whatever order they are.

    Parameters
    ----------
    timestamps_s, telemetry
        As in a `History`.
    name
        What the caller calls the list, for the errors.

    Raises
    ------
    InvalidSample
        For a time outside 1970 to 9999, a missing bandwidth, or a value out of its range.
    """
    missing = np.isnan(telemetry)
    wrong = ~missing & ~((telemetry >= 0) & (telemetry <= _HIGHEST))
    wrong[:, 0] |= missing[:, 0]
    if wrong.any():
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        raise _out_of_range(f"{name}[{row}].", COLUMNS[column], float(telemetry[row, column]))
    possible = (timestamps_s >= 0) & (timestamps_s < _YEAR_10000)
    if not possible.all():
        row = int(np.argmin(possible))
        raise InvalidSample(
            f"timestamp is {timestamps_s[row]:.6f}; it is in Unix seconds, from 1970 to the year "
            "9999. Divide milliseconds by 1000.",
            f"{name}[{row}].timestamp",
        )


def _out_of_range(where: str, column: str, value: float) -> InvalidSample:
    limit = LIMITS[column]
    remedy = limit.remedy if value > limit.highest else "Drop the sample, or leave the field out."
    return InvalidSample(f"{column} is {value:.6g}; it is {limit.rule}. {remedy}", where + column)


def _check_order(timestamps_s: Floats) -> None:
    late = np.flatnonzero(np.diff(timestamps_s) <= 0)
    if late.size:
        row = int(late[0])
        raise InvalidHistory(
            f"timestamps strictly increase; history[{row}] is at {timestamps_s[row]:.6f} s and "
            f"history[{row + 1}] at {timestamps_s[row + 1]:.6f} s. Sort the samples and drop "
            "duplicates.",
            f"history[{row + 1}].timestamp",
        )


@dataclass(frozen=True, slots=True)
class HorizonForecast:
    """What is expected ``steps`` steps ahead.

    ``confidence`` is the probability that the actual lies in band: within ±20 % of itself from
    ``bandwidth_mbps``. ``quantiles_mbps`` follow the levels of `QUANTILES`.
    """

    steps: int
    bandwidth_mbps: float
    confidence: float
    quantiles_mbps: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "steps": self.steps,
            "bandwidth_mbps": self.bandwidth_mbps,
            "confidence": self.confidence,
            "quantiles": dict(zip(_QUANTILE_NAMES, self.quantiles_mbps, strict=True)),
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the horizon that ``body``, its wire form, describes."""
        quantiles = tuple(body["quantiles"][name] for name in _QUANTILE_NAMES)
        return cls(body["steps"], body["bandwidth_mbps"], body["confidence"], quantiles)


_QUANTILE_NAMES = tuple(str(level) for level in QUANTILES)


@dataclass(frozen=True, slots=True)
class Member:
    """One voice of a forecast: what it said one step ahead and what share it has in the result."""

    name: str
    weight: float
    bandwidth_mbps: float
    confidence: float

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "name": self.name,
            "weight": self.weight,
            "bandwidth_mbps": self.bandwidth_mbps,
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class Allocation:
    """Advice for the next transfer over a link.

    Parameters
    ----------
    policy, quantile
        As asked.
    safe_rate_mbps
        The forecast's quantile, at most ``max_rate_mbps``; 0 where an outage is that likely.
    streams
        How many parallel TCP streams.
    buffer_bytes
        The send buffer of one stream.
    chunk_bytes
        How much to hand one stream at a time: a bufferful, in whole pages of 4096 bytes.
    pacing_total_mbps
        How fast all streams together may send, never below ``min_rate_mbps``.
    """

    policy: str
    quantile: float
    safe_rate_mbps: float
    streams: int
    buffer_bytes: int
    chunk_bytes: int
    pacing_total_mbps: float

    @property
    def pacing_per_stream_mbps(self) -> float:
        """How fast one stream may send; as bytes per second it is ``SO_MAX_PACING_RATE``."""
        return self.pacing_total_mbps / self.streams

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form: every field, and the pacing of one stream."""
        return {**asdict(self), "pacing_per_stream_mbps": self.pacing_per_stream_mbps}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the advice that ``body``, its wire form, describes."""
        return cls(**{field.name: body[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Forecast:
    """How much bandwidth a link will have, how sure that is, and who says so.

    ``source`` is ``model``, ``ensemble``, ``expert`` or ``heuristic``; ``latency_ms``,
    ``packet_loss`` and ``jitter_ms`` are for the next step, None where the history holds none.
    ``allocation`` is there where it was asked for.
    """

    link_id: str | None
    mode: NetworkMode
    source: str
    model_version: str | None
    made_at: datetime
    valid_until: datetime
    step_s: float
    horizons: tuple[HorizonForecast, ...]
    latency_ms: float | None
    packet_loss: float | None
    jitter_ms: float | None
    members: tuple[Member, ...]
    reasons: tuple[str, ...]
    allocation: Allocation | None = None

    @property
    def bandwidth_mbps(self) -> float:
        """The forecast one step ahead, in Mbps."""
        return self.horizons[0].bandwidth_mbps

    @property
    def confidence(self) -> float:
        """The probability that the actual one step ahead is in band."""
        return self.horizons[0].confidence

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form, the same over HTTP and through a handle."""
        advice = {} if self.allocation is None else {"allocation": self.allocation.as_dict()}
        return {
            "link_id": self.link_id,
            "mode": self.mode.value,
            "source": self.source,
            "model_version": self.model_version,
            "made_at": rfc3339(self.made_at),
            "valid_until": rfc3339(self.valid_until),
            "step_s": self.step_s,
            "bandwidth_mbps": self.bandwidth_mbps,
            "confidence": self.confidence,
            "horizons": [horizon.as_dict() for horizon in self.horizons],
            "latency_ms": self.latency_ms,
            "packet_loss": self.packet_loss,
            "jitter_ms": self.jitter_ms,
            "members": [member.as_dict() for member in self.members],
            "reasons": list(self.reasons),
            **advice,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the forecast that ``body``, its wire form, describes."""
        advice = body.get("allocation")
        return cls(
            link_id=body["link_id"],
            mode=NetworkMode(body["mode"]),
            source=body["source"],
            model_version=body["model_version"],
            made_at=datetime.fromisoformat(body["made_at"]),
            valid_until=datetime.fromisoformat(body["valid_until"]),
            step_s=body["step_s"],
            horizons=tuple(HorizonForecast.from_dict(part) for part in body["horizons"]),
            latency_ms=body["latency_ms"],
            packet_loss=body["packet_loss"],
            jitter_ms=body["jitter_ms"],
            members=tuple(Member(**part) for part in body["members"]),
            reasons=tuple(body["reasons"]),
            allocation=None if advice is None else Allocation.from_dict(advice),
        )
