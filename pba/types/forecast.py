"""A forecast: values per horizon, the members behind it, and the allocation advice."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Self

from pba.types.mode import NetworkMode
from pba.types.times import rfc3339

__all__ = ["HORIZONS", "QUANTILES", "Allocation", "Forecast", "HorizonForecast", "Member"]

HORIZONS = (1, 5, 15)
"""How many steps ahead a forecast looks."""

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""The levels of the quantiles that a forecast carries."""


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
