"""What goes into the store and what comes out of it, as values."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.telemetry.link_mode import LinkMode
from pba.types import COLUMNS, Floats, History, NetworkMode, rfc3339_of

__all__ = [
    "LinkContext",
    "LinkState",
    "Receipt",
    "SampleReport",
    "StoredForecast",
    "micros",
    "sample_row",
    "seconds",
]


@dataclass(frozen=True, slots=True, eq=False)
class SampleReport:
    """Samples of one link, as they were measured: in any order, perhaps not for the first time."""

    link_id: str
    timestamps_s: Floats
    telemetry: Floats


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a report.

    Parameters
    ----------
    accepted
        Samples that are in the store now and were not before.
    duplicates
        Samples at a time of which the store had one already, which it kept.
    late
        How many of the accepted are older than the newest that was known.
    expired
        Samples that are older than the link's newest by more than the retention: not stored.
    mode
        What the link is in.
    """

    accepted: int
    duplicates: int
    late: int
    expired: int
    mode: NetworkMode

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "late": self.late,
            "expired": self.expired,
            "mode": self.mode.value,
        }


@dataclass(frozen=True, slots=True, eq=False)
class StoredForecast:
    """A forecast to keep until it can be scored; ``said`` is what `pba.scoring.OpenForecast` holds.

    ``served`` tells whether the caller was told it, or it was made to compare.
    """

    link_id: str
    after_s: float
    made_s: float
    mode: str
    source: str
    version: str
    step_s: float
    took_ms: float
    said: dict[str, Any]
    arm: Arm = Arm.V3
    served: bool = True


@dataclass(frozen=True, slots=True)
class LinkContext:
    """What a forecast of a link starts from."""

    link_id: str
    mode: NetworkMode
    history: History
    record: LinkRecord


@dataclass(frozen=True, slots=True)
class LinkState:
    """What is known of a link, without its samples."""

    link_id: str
    mode: LinkMode
    newest_s: float
    record: LinkRecord

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        since_us, mode = self.mode.since_us, self.mode.mode
        return {
            "link_id": self.link_id,
            "mode": mode.value if mode else None,
            "mode_since": None if since_us is None else rfc3339_of(since_us / 1e6),
            "mode_switches": self.mode.switches,
            "last_sample": rfc3339_of(self.newest_s),
            "hits": self.record.hits,
            "misses": self.record.scored - self.record.hits,
            "accuracy_20": self.record.accuracy_20,
            "leader": self.record.leader,
            "weights": dict(self.record.weights),
        }


def micros(seconds: float) -> int:
    """Return whole microseconds."""
    return round(seconds * 1e6)


def seconds(at_us: np.ndarray) -> Floats:
    """Return seconds of microseconds."""
    return np.asarray(at_us, dtype=float) / 1e6


def sample_row(link: int, at_us: int, values: list[float]) -> dict[str, Any]:
    """Return the row of one sample, null where nothing was measured."""
    measured = {name: None if v != v else v for name, v in zip(COLUMNS, values, strict=True)}
    return {"link": link, "at_us": at_us} | measured
