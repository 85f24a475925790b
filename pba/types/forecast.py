"""A forecast: values per horizon, the members behind it, and the allocation advice."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

from pba.types.mode import NetworkMode
from pba.types.wire import ForecastDocument, HorizonDocument, IntervalDocument

__all__ = [
    "HORIZONS",
    "INTERVALS",
    "QUANTILES",
    "Allocation",
    "Forecast",
    "HorizonForecast",
    "IntervalForecast",
    "Member",
]

HORIZONS = (1, 5, 15)
"""How many steps ahead a forecast looks."""

INTERVALS = (5, 15, 60)
"""Over how many of the next steps a forecast takes the mean."""

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The levels of the quantiles that a forecast carries."""


@dataclass(frozen=True, slots=True)
class HorizonForecast:
    """The forecast ``steps`` steps ahead.

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


@dataclass(frozen=True, slots=True)
class IntervalForecast:
    """The forecast of the mean rate over the next ``steps`` steps, which is what a transfer gets.

    ``confidence`` is the probability that the actual mean lies in band: within ±20 % of itself from
    ``mean_mbps``. ``quantiles_mbps`` follow the levels of `QUANTILES`.
    """

    steps: int
    mean_mbps: float
    confidence: float
    quantiles_mbps: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "steps": self.steps,
            "mean_mbps": self.mean_mbps,
            "confidence": self.confidence,
            "quantiles": dict(zip(_QUANTILE_NAMES, self.quantiles_mbps, strict=True)),
        }


_QUANTILE_NAMES = tuple(str(level) for level in QUANTILES)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a forecast: its own forecast one step ahead and its weight in the result."""

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
        As requested.
    safe_rate_mbps
        The forecast's quantile, at most ``max_rate_mbps``; 0 if an outage is that likely.
    streams
        The number of parallel TCP streams.
    buffer_bytes
        The send buffer of one stream.
    chunk_bytes
        How much to write to one stream at a time: one buffer, in whole pages of 4096 bytes.
    pacing_total_mbps
        The rate limit of all streams together, at least ``min_rate_mbps``.
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
        """The rate limit of one stream; in bytes per second it is ``SO_MAX_PACING_RATE``."""
        return self.pacing_total_mbps / self.streams

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form: every field, and the pacing rate of one stream."""
        return {**asdict(self), "pacing_per_stream_mbps": self.pacing_per_stream_mbps}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the advice that ``body``, its wire form, describes."""
        return cls(**{field.name: body[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast of a link's bandwidth, with its confidence and its sources.

    ``source`` is ``model``, ``ensemble``, ``expert`` or ``heuristic``; ``latency_ms``,
    ``packet_loss`` and ``jitter_ms`` are for the next step, None if the history has none.
    ``age_s`` is from ``newest_sample_at`` to ``made_at``, negative if the reporter's clock is
    ahead; the forecast is valid until one step after the newest sample. ``intervals`` are the first
    of `INTERVALS`, or none: no rule predicts them, and no model without heads for them.
    ``allocation`` is None unless it was requested.
    """

    link_id: str | None
    mode: NetworkMode
    source: str
    model_version: str | None
    made_at: datetime
    newest_sample_at: datetime
    age_s: float
    valid_until: datetime
    step_s: float
    horizons: tuple[HorizonForecast, ...]
    latency_ms: float | None
    packet_loss: float | None
    jitter_ms: float | None
    members: tuple[Member, ...]
    reasons: tuple[str, ...]
    allocation: Allocation | None = None
    intervals: tuple[IntervalForecast, ...] = ()

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
            "made_at": _utc_text(self.made_at),
            "newest_sample_at": _utc_text(self.newest_sample_at),
            "age_s": self.age_s,
            "valid_until": _utc_text(self.valid_until),
            "step_s": self.step_s,
            "bandwidth_mbps": self.bandwidth_mbps,
            "confidence": self.confidence,
            "horizons": [horizon.as_dict() for horizon in self.horizons],
            "intervals": [interval.as_dict() for interval in self.intervals],
            "latency_ms": self.latency_ms,
            "packet_loss": self.packet_loss,
            "jitter_ms": self.jitter_ms,
            "members": [member.as_dict() for member in self.members],
            "reasons": list(self.reasons),
            **advice,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the forecast that ``body``, its wire form, describes.

        Raises
        ------
        ValueError
            If ``body`` is not the wire form of a forecast (`pba.types.wire.ForecastDocument`).
        """
        document = ForecastDocument.model_validate(body)
        advice = document.allocation
        return cls(
            link_id=document.link_id,
            mode=NetworkMode(document.mode),
            source=document.source,
            model_version=document.model_version,
            made_at=document.made_at,
            newest_sample_at=document.newest_sample_at,
            age_s=document.age_s,
            valid_until=document.valid_until,
            step_s=document.step_s,
            horizons=tuple(
                HorizonForecast(one.steps, one.bandwidth_mbps, one.confidence, _levels(one))
                for one in document.horizons
            ),
            latency_ms=document.latency_ms,
            packet_loss=document.packet_loss,
            jitter_ms=document.jitter_ms,
            members=tuple(Member(**dict(member)) for member in document.members),
            reasons=tuple(document.reasons),
            allocation=None if advice is None else Allocation.from_dict(dict(advice)),
            intervals=tuple(
                IntervalForecast(one.steps, one.mean_mbps, one.confidence, _levels(one))
                for one in document.intervals
            ),
        )


def _utc_text(moment: datetime) -> str:
    """Return ``moment`` in UTC as RFC 3339 text."""
    text = (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).isoformat()
    return text.removesuffix("+00:00") + "Z"


def _levels(document: HorizonDocument | IntervalDocument) -> tuple[float, ...]:
    """Return the quantiles of ``document`` in the order of `QUANTILES`."""
    if not document.quantiles.keys() >= set(_QUANTILE_NAMES):
        raise ValueError(f"quantiles lacks some of the levels {', '.join(_QUANTILE_NAMES)}.")
    return tuple(document.quantiles[name] for name in _QUANTILE_NAMES)
