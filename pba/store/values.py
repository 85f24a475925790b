"""The values that callers give to the store and get from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pba.errors import PBAError
from pba.forecasting.link_record import LinkRecord
from pba.rollout import Arm
from pba.scoring.transfer_sums import RecordedTransfer, TransferSums
from pba.telemetry.link_mode import LinkMode
from pba.types import Booleans, Floats, History, NetworkMode, rfc3339_of

__all__ = [
    "LinkContext",
    "LinkState",
    "Receipt",
    "RefusedSample",
    "SampleReport",
    "StoredForecast",
    "WriteBatch",
]


@dataclass(frozen=True, slots=True)
class RefusedSample:
    """A sample that is not stored.

    Parameters
    ----------
    index
        Its place in the request.
    link_id
        The link that it names; cut if it is no name of a link.
    error
        The rule that it breaks, or why the caller may not report the link.
    """

    index: int
    link_id: str
    error: PBAError

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"index": self.index, "link_id": self.link_id, "error": self.error.body()}


@dataclass(frozen=True, slots=True, eq=False)
class SampleReport:
    """Samples of one link as they were measured: in any order, possibly repeated.

    Parameters
    ----------
    timestamps_s
        Unix seconds, ``(sample,)``.
    telemetry
        Columns as in `pba.types.COLUMNS`, NaN where not measured, ``(sample, 5)``.
    indices
        The place of each sample in its request, ``(sample,)``; None if it is that in the arrays.
    ignored
        How many values of each sample are NaN because they were out of range, ``(sample,)``; None
        if there are none.
    refused
        Samples of the same request and link that break a rule.
    during_transfer
        Which samples are marked so, ``(sample,)``; None if none is.
    """

    link_id: str
    timestamps_s: Floats
    telemetry: Floats
    indices: NDArray[np.int64] | None = None
    ignored: NDArray[np.int64] | None = None
    refused: tuple[RefusedSample, ...] = ()
    during_transfer: Booleans | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store did with one report.

    Parameters
    ----------
    accepted
        Samples that were stored.
    duplicates
        Samples whose timestamp the link already had; the stored sample is kept.
    late
        How many of the accepted samples are older than the newest one stored before.
    expired
        Samples that are not stored because they are older than the link's newest sample by more
        than the retention.
    mode
        The link's mode after the report; None if no sample of it was valid.
    record
        The link's record, where the batch requests it; not part of the wire form.
    ignored
        Values out of range, except bandwidth and time, that count as missing in valid samples.
    refused
        Samples that break a rule and are not stored, in the order of the request.
    reasons
        What may be wrong with the samples: ``unit_suspected`` (`pba.telemetry.suspect_units`),
        ``zone_suspected`` (`pba.telemetry.clocks`).
    context
        What a forecast starts from after the report, where the batch requests it; not part of the
        wire form.
    """

    accepted: int
    duplicates: int
    late: int
    expired: int
    mode: NetworkMode | None
    record: LinkRecord | None = None
    ignored: int = 0
    refused: tuple[RefusedSample, ...] = ()
    reasons: tuple[str, ...] = ()
    context: "LinkContext | None" = None

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "late": self.late,
            "expired": self.expired,
            "ignored": self.ignored,
            "refused": [sample.as_dict() for sample in self.refused],
            "mode": self.mode and self.mode.value,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True, eq=False)
class StoredForecast:
    """A forecast as it is stored until it can be scored.

    Parameters
    ----------
    after_s
        Unix seconds of the newest sample that the forecast is based on.
    created_s
        Unix seconds at which the service computed it.
    step_s
        The link's sample spacing: horizon ``n`` is ``n`` steps of this length ahead.
    took_ms
        From reading the samples to the finished forecast.
    prediction
        As `pba.scoring.forecast_body.pack` takes it.
    arm, served
        Which arm predicted, and whether the caller received it or it was computed for comparison.
    """

    link_id: str
    after_s: float
    created_s: float
    mode: str
    source: str
    version: str
    step_s: float
    took_ms: float
    prediction: dict[str, Any]
    arm: Arm = Arm.V3
    served: bool = True


@dataclass(frozen=True, slots=True)
class LinkContext:
    """What a forecast of a link starts from: its mode, last samples and record."""

    link_id: str
    mode: NetworkMode
    history: History
    record: LinkRecord


@dataclass(frozen=True, slots=True)
class LinkState:
    """A link's mode, newest timestamp, record and sums of transfers, without its samples.

    Parameters
    ----------
    drift
        The size of its open drift alarm (`LinkDriftTable.size`), None while there is none.
    cursor
        Where the page after this link starts, in the order in which it was listed.
    """

    link_id: str
    mode: LinkMode
    newest_s: float
    record: LinkRecord
    transfers: TransferSums = TransferSums()
    drift: float | None = None
    cursor: str = ""

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
            "drift": self.drift,
            "leader": self.record.leader,
            "weights": dict(self.record.weights),
            "transfers": self.transfers.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Samples, forecasts and transfers, of any number of callers, to write in one transaction.

    ``with_records`` requests the links' records in the receipts of the reports, ``with_contexts``
    the whole of what a forecast starts from: the samples that were just written complete it.
    """

    reports: Sequence[SampleReport] = ()
    forecasts: Sequence[StoredForecast] = ()
    with_records: bool = False
    with_contexts: bool = False
    transfers: Sequence[RecordedTransfer] = ()
