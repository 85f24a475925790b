"""The request bodies in JSON: what `request_reading` reads, and what OpenAPI says of it.

Types, fields and lengths of text are checked while a body is read. Ranges are checked in
`pba.types`, sample by sample; here they are only described.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from pba.types import LIMITS

__all__ = [
    "BulkForecastRequest",
    "BulkSamplesRequest",
    "BulkTransferBody",
    "FlagsRequest",
    "ForecastRequest",
    "HistoryColumns",
    "LinkSampleDocument",
    "LinksRequest",
    "PromotionRequest",
    "RollbackRequest",
    "SampleDocument",
    "SamplesRequest",
    "TransferBody",
]

Mode: TypeAlias = Literal["auto", "datacenter", "internet", "hybrid"]
Scalar: TypeAlias = str | int | float | bool | None

_ADVICE = "Requests advice: {} with the defaults, other fields as in docs/allocation.md."
_LINK_ID = "1-200 characters of A-Z a-z 0-9 . _ : @ > -"
_REASON = "Why, recorded with the change in events and audit."
_OLD_REASON = "The same, as clients of 3.0 send it; `reason` wins."
_BEHALF = "Whom the caller makes the change for, a person say; recorded beside the key's name."
_OLD_NAME = "The same, as clients of 3.0 send it; `on_behalf_of` wins."
_TIME = "RFC 3339 in UTC, or Unix seconds"


def _measured(column: str, note: str) -> Meta:
    limit = LIMITS[column]
    bounds = {"minimum": 0, "maximum": limit.highest}
    return Meta(description=f"{limit.rule}; {note}", extra_json_schema=bounds)


_REFUSED = "null or out of range: the sample is refused"
_IGNORED = "null: not measured; out of range: ignored"

_Timestamp = Annotated[float | str | None, Meta(description=_TIME)]
_Bandwidth = Annotated[float | None, _measured("bandwidth_mbps", _REFUSED)]
_Latency = Annotated[float | None, _measured("latency_ms", _IGNORED)]
_Loss = Annotated[float | None, _measured("packet_loss", _IGNORED)]
_Jitter = Annotated[float | None, _measured("jitter_ms", _IGNORED)]
_During = Annotated[
    bool | None,
    Meta(description="whether a transfer ran meanwhile; such samples do not score transfers"),
]
_Throughput = Annotated[float | None, _measured("throughput_mbps", _IGNORED)]


class SampleDocument(Struct, forbid_unknown_fields=True, gc=False):
    """One measurement of a link."""

    timestamp: _Timestamp
    bandwidth_mbps: _Bandwidth
    latency_ms: _Latency = None
    packet_loss: _Loss = None
    jitter_ms: _Jitter = None
    throughput_mbps: _Throughput = None
    during_transfer: _During = None


class HistoryColumns(Struct, forbid_unknown_fields=True, gc=False):
    """Samples in columns of equal length: one list a value, null where it was not measured."""

    timestamp: list[_Timestamp]
    bandwidth_mbps: list[_Bandwidth]
    latency_ms: list[_Latency] | None = None
    packet_loss: list[_Loss] | None = None
    jitter_ms: list[_Jitter] | None = None
    throughput_mbps: list[_Throughput] | None = None
    during_transfer: list[_During] | None = None


Samples: TypeAlias = list[SampleDocument] | HistoryColumns


class ForecastRequest(Struct, forbid_unknown_fields=True, gc=False):
    """A history, oldest sample first, in rows or in columns, to forecast from."""

    history: Samples
    link_id: Annotated[str | None, Meta(description=_LINK_ID)] = None
    mode: Mode = "auto"
    allocation: Annotated[dict[str, Scalar] | None, Meta(description=_ADVICE)] = None


class BulkForecastRequest(Struct, forbid_unknown_fields=True):
    """Many requests; the answers are in the same order."""

    requests: list[ForecastRequest]


_BYTES = Meta(
    description="how much to move; of a live migration the memory",
    extra_json_schema={"minimum": 1, "maximum": 10**18},
)
_DEADLINE = Meta(description="above 0", extra_json_schema={"exclusiveMinimum": 0, "maximum": 1e9})
_DIRTY = Meta(
    description="at what rate memory is written that was copied already",
    extra_json_schema={"minimum": 0, "maximum": 1e7},
)


_RECORD = Meta(
    description="whether the answer for a stored link is scored; by default a single one is"
)


class TransferBody(Struct, forbid_unknown_fields=True, gc=False):
    """A transfer over a link, which is given by its history or by the name it has stored."""

    bytes: Annotated[int, _BYTES]
    history: Samples | None = None
    link_id: Annotated[str | None, Meta(description=_LINK_ID)] = None
    mode: Mode = "auto"
    deadline_s: Annotated[float | None, _DEADLINE] = None
    dirty_mbps: Annotated[float | None, _DIRTY] = None
    record: Annotated[bool | None, _RECORD] = None


class BulkTransferBody(Struct, forbid_unknown_fields=True):
    """Many transfers, such as one to each of several targets; the answers are in that order."""

    requests: list[TransferBody]


class SamplesRequest(Struct, forbid_unknown_fields=True):
    """Samples of one link, in any order; samples that are stored already are counted only."""

    samples: Samples


class LinkSampleDocument(SampleDocument, kw_only=True):
    """One measurement of the link that it names."""

    link_id: Annotated[str, Meta(description=_LINK_ID)]


class BulkSamplesRequest(Struct, forbid_unknown_fields=True):
    """Samples of many links."""

    samples: list[LinkSampleDocument]


class LinksRequest(Struct, forbid_unknown_fields=True):
    """Links to forecast for; the answers are in the same order."""

    link_ids: list[str]
    allocation: Annotated[dict[str, Scalar] | None, Meta(description=_ADVICE)] = None


_Champion = int | str | None
_Person = Annotated[str, Meta(max_length=100, description=_BEHALF)]
_Name = Annotated[str, Meta(min_length=1, max_length=200, description=_OLD_NAME)]
_Reason = Annotated[str, Meta(max_length=1000, description=_REASON)]
_OldReason = Annotated[str, Meta(max_length=1000, description=_OLD_REASON)]
_TAKEN_BACK = "Number or version of the champion to take back."
_REPLACED = "Number or version of the champion to replace."


class RollbackRequest(Struct, forbid_unknown_fields=True):
    """Who goes back to the previous champion, and why."""

    expected: Annotated[_Champion, Meta(description=_TAKEN_BACK)] = None
    on_behalf_of: _Person | None = None
    who: _Name | None = None
    reason: _Reason = ""
    why: _OldReason = ""


class RetrainRequest(Struct, forbid_unknown_fields=True):
    """Why the champion is to be trained further with what links have reported since."""

    on_behalf_of: _Person | None = None
    reason: _Reason = ""


class PromotionRequest(Struct, forbid_unknown_fields=True):
    """Which version becomes the champion."""

    version: str
    expected: Annotated[_Champion, Meta(description=_REPLACED)] = None
    on_behalf_of: _Person | None = None
    who: _Name | None = None
    reason: _Reason = ""
    why: _OldReason = ""


class FlagsRequest(Struct, forbid_unknown_fields=True):
    """A change of flags."""

    version: Annotated[int, Meta(description="the version that the caller read")]
    flags: Annotated[dict[str, Scalar], Meta(description="the flags to change: docs/rollout.md")]
    on_behalf_of: _Person | None = None
    who: _Name | None = None
    reason: _Reason = ""
