"""The request bodies in JSON. Types are checked here; ranges are checked in `pba.types`."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from pba.types import LIMITS

__all__ = [
    "STRICT",
    "BulkForecastRequest",
    "BulkSamplesRequest",
    "FlagsRequest",
    "ForecastRequest",
    "LinksRequest",
    "PromotionRequest",
    "RollbackRequest",
    "SampleDocument",
    "SamplesRequest",
]

STRICT = ConfigDict(extra="forbid")
_ADVICE = "Requests advice: {} with the defaults, other fields as in docs/allocation.md."
_LINK_ID = "1-200 characters of A-Z a-z 0-9 . _ : @ > -"
_WHO = "Recorded with the change."
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _with_time(value: Any) -> Any:
    """Refuse a date alone, which pydantic would take for midnight."""
    if (isinstance(value, str) and _DATE.fullmatch(value)) or type(value) is date:
        raise PydanticCustomError("timestamp", "it has a date and a time")
    return value


_Timestamp = _Number | Annotated[datetime, BeforeValidator(_with_time)]


def _champion(value: Any) -> int | str | None:
    if value is None or type(value) in (int, str):
        return value  # type: ignore[no-any-return]
    raise PydanticCustomError("champion", "it is the number or the version of a champion")


_Champion = Annotated[
    int | str | None, PlainValidator(_champion, json_schema_input_type=int | str | None)
]


def _measured(column: str) -> Any:
    limit = LIMITS[column]
    bounds: JsonDict = {"minimum": 0, "maximum": limit.highest}
    return Field(strict=True, allow_inf_nan=False, description=limit.rule, json_schema_extra=bounds)


class SampleDocument(TypedDict):
    """One measurement of a link."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    timestamp: Annotated[_Timestamp, Field(description="RFC 3339 in UTC, or Unix seconds")]
    bandwidth_mbps: Annotated[float, _measured("bandwidth_mbps")]
    latency_ms: NotRequired[Annotated[float, _measured("latency_ms")] | None]
    packet_loss: NotRequired[Annotated[float, _measured("packet_loss")] | None]
    jitter_ms: NotRequired[Annotated[float, _measured("jitter_ms")] | None]
    throughput_mbps: NotRequired[Annotated[float, _measured("throughput_mbps")] | None]


class ForecastRequest(BaseModel):
    """A history, oldest sample first, to forecast from."""

    model_config = STRICT

    history: list[SampleDocument]
    link_id: str | None = Field(None, description=_LINK_ID)
    mode: Literal["auto", "datacenter", "internet", "hybrid"] = "auto"
    allocation: dict[str, Any] | None = Field(None, description=_ADVICE)


class BulkForecastRequest(BaseModel):
    """Many requests; the answers are in the same order."""

    model_config = STRICT

    requests: list[ForecastRequest]


class SamplesRequest(BaseModel):
    """Samples of one link, in any order; samples that are stored already are counted only."""

    model_config = STRICT

    samples: list[SampleDocument]


class LinkSampleDocument(SampleDocument):
    """One measurement of the link that it names."""

    link_id: Annotated[str, Field(description=_LINK_ID)]


class BulkSamplesRequest(BaseModel):
    """Samples of many links."""

    model_config = STRICT

    samples: list[LinkSampleDocument]


class LinksRequest(BaseModel):
    """Links to forecast for; the answers are in the same order."""

    model_config = STRICT

    link_ids: list[str]
    allocation: dict[str, Any] | None = Field(None, description=_ADVICE)


class RollbackRequest(BaseModel):
    """Who goes back to the previous champion, and why."""

    model_config = STRICT

    expected: _Champion = Field(None, description="Number or version of the champion to take back.")
    who: Annotated[str, Field(min_length=1, max_length=200, description=_WHO)] = "http"
    why: Annotated[str, Field(max_length=1000, description=_WHO)] = ""


class PromotionRequest(RollbackRequest):
    """Which version becomes the champion."""

    version: str
    expected: _Champion = Field(None, description="Number or version of the champion to replace.")


class FlagsRequest(BaseModel):
    """A change of flags."""

    model_config = STRICT

    version: Annotated[int, Field(strict=True, description="the version that the caller read")]
    who: Annotated[str, Field(min_length=1, max_length=200, description=_WHO)]
    flags: dict[str, Any] = Field(description="the flags to change, as in docs/rollout.md")
