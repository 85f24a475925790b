"""How long a transfer takes: quantiles of its duration, and of a live migration's downtime."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf, isfinite
from typing import Any, Self

from pba.types.forecast import QUANTILES
from pba.types.mode import NetworkMode
from pba.types.times import rfc3339_of
from pba.types.transfer_wire import PrecopyDocument, TransferDocument

__all__ = ["PrecopyForecast", "TransferForecast"]

_NAMES = tuple(str(level) for level in QUANTILES)


@dataclass(frozen=True, slots=True)
class PrecopyForecast:
    """The forecast of a live migration whose machine writes to its memory while that is copied.

    Parameters
    ----------
    probability_converges
        The probability that the machine can stop for a short time in the end.
    rounds
        How often memory is copied, the last copy included, in the median of those that converge;
        None if none does.
    downtime_s
        Quantiles of the time for which the machine stands still, of those that converge; None if
        none does.
    """

    probability_converges: float
    rounds: int | None
    downtime_s: tuple[float, ...] | None

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        downtime = None if self.downtime_s is None else _by_level(self.downtime_s)
        return {
            "probability_converges": self.probability_converges,
            "rounds": self.rounds,
            "downtime_s": downtime,
        }

    @classmethod
    def from_document(cls, document: PrecopyDocument) -> Self:
        """Return the forecast that ``document`` describes."""
        downtime = None if document.downtime_s is None else _levels(document.downtime_s)
        return cls(document.probability_converges, document.rounds, downtime)


@dataclass(frozen=True, slots=True)
class TransferForecast:
    """The forecast of a transfer that begins when the forecast is computed.

    Parameters
    ----------
    link_id, mode, source, model_version, made_at, newest_sample_at, step_s
        Those of the forecast of the link that it follows from.
    bytes, deadline_s, dirty_mbps
        As requested.
    duration_s
        Quantiles of the duration at the levels of `QUANTILES`, inf where the transfer never ends;
        with ``dirty_mbps`` of the whole migration.
    probability_in_time
        The probability that it ends by the deadline; None without one.
    precopy
        None without ``dirty_mbps``.
    advice
        ``start``, ``wait`` or ``uncertain``, see docs/transfers.md.
    reasons
        Reason codes of the forecast, and of this one.
    """

    link_id: str | None
    mode: NetworkMode
    source: str
    model_version: str | None
    made_at: datetime
    newest_sample_at: datetime
    step_s: float
    bytes: int
    deadline_s: float | None
    dirty_mbps: float | None
    duration_s: tuple[float, ...]
    probability_in_time: float | None
    precopy: PrecopyForecast | None
    advice: str
    reasons: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form; a duration without an end is None."""
        return {
            "link_id": self.link_id,
            "mode": self.mode.value,
            "source": self.source,
            "model_version": self.model_version,
            "made_at": rfc3339_of(self.made_at.timestamp()),
            "newest_sample_at": rfc3339_of(self.newest_sample_at.timestamp()),
            "step_s": self.step_s,
            "bytes": self.bytes,
            "deadline_s": self.deadline_s,
            "dirty_mbps": self.dirty_mbps,
            "duration_s": _by_level(self.duration_s),
            "probability_in_time": self.probability_in_time,
            "precopy": None if self.precopy is None else self.precopy.as_dict(),
            "advice": self.advice,
            "reasons": list(self.reasons),
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the forecast that ``body``, its wire form, describes.

        Raises
        ------
        ValueError
            If ``body`` is not the wire form (`pba.types.transfer_wire.TransferDocument`).
        """
        document = TransferDocument.model_validate(body)
        precopy = document.precopy
        return cls(
            link_id=document.link_id,
            mode=NetworkMode(document.mode),
            source=document.source,
            model_version=document.model_version,
            made_at=document.made_at,
            newest_sample_at=document.newest_sample_at,
            step_s=document.step_s,
            bytes=document.bytes,
            deadline_s=document.deadline_s,
            dirty_mbps=document.dirty_mbps,
            duration_s=_levels(document.duration_s),
            probability_in_time=document.probability_in_time,
            precopy=None if precopy is None else PrecopyForecast.from_document(precopy),
            advice=document.advice,
            reasons=tuple(document.reasons),
        )


def _by_level(values: Sequence[float]) -> dict[str, float | None]:
    finite = (value if isfinite(value) else None for value in values)
    return dict(zip(_NAMES, finite, strict=True))


def _levels(values: Mapping[str, float | None]) -> tuple[float, ...]:
    if not values.keys() >= set(_NAMES):
        raise ValueError(f"quantiles lacks some of the levels {', '.join(_NAMES)}.")
    by_level = (values[name] for name in _NAMES)
    return tuple(inf if value is None else value for value in by_level)
