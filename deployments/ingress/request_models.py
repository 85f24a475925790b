"""What JSON bodies hold; types are checked here, ranges in `pba.types`."""

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, PlainValidator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from pba.types import LIMITS

__all__ = [
    "STRICT",
    "BulkBody",
    "BulkSamplesBody",
    "FlagsBody",
    "ForecastBody",
    "LinksBody",
    "PromotionBody",
    "RollbackBody",
    "SampleBody",
    "SamplesBody",
]

_ADVICE = "Asks for advice: {} with the defaults, other fields as in docs/allocation.md."
STRICT = ConfigDict(extra="forbid")
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Moment = _Number | Annotated[datetime, Field(strict=True)]


def _champion(value: Any) -> int | str | None:
    if value is None or type(value) in (int, str):
        return value  # type: ignore[no-any-return]
    raise PydanticCustomError("champion", "it is the number or the version of a champion")


_Seen = Annotated[
    int | str | None, PlainValidator(_champion, json_schema_input_type=int | str | None)
]


def _measured(column: str) -> Any:
    limit = LIMITS[column]
    bounds: JsonDict = {"minimum": 0, "maximum": limit.highest}
    return Field(strict=True, allow_inf_nan=False, description=limit.rule, json_schema_extra=bounds)


class SampleBody(TypedDict):
    """One measurement of a link."""

    __pydantic_config__ = STRICT  # type: ignore[misc]

    timestamp: Annotated[_Moment, Field(description="RFC 3339 in UTC, or Unix seconds")]
    bandwidth_mbps: Annotated[float, _measured("bandwidth_mbps")]
    latency_ms: NotRequired[Annotated[float, _measured("latency_ms")] | None]
    packet_loss: NotRequired[Annotated[float, _measured("packet_loss")] | None]
    jitter_ms: NotRequired[Annotated[float, _measured("jitter_ms")] | None]
    throughput_mbps: NotRequired[Annotated[float, _measured("throughput_mbps")] | None]


class ForecastBody(BaseModel):
    """A history, oldest sample first, to forecast from."""

    model_config = STRICT

    history: list[SampleBody]
    link_id: str | None = Field(None, description="1-200 characters of A-Z a-z 0-9 . _ : @ > -")
    mode: Literal["auto", "datacenter", "internet", "hybrid"] = "auto"
    allocation: dict[str, Any] | None = Field(None, description=_ADVICE)


class BulkBody(BaseModel):
    """Many requests; the answers come in the same order."""

    model_config = STRICT

    requests: list[ForecastBody]


class SamplesBody(BaseModel):
    """Samples of one link, in any order; those that are stored already do no harm."""

    model_config = STRICT

    samples: list[SampleBody]


class LinkSampleBody(SampleBody):
    """One measurement of the link that it names."""

    link_id: Annotated[str, Field(description="1-200 characters of A-Z a-z 0-9 . _ : @ > -")]


class BulkSamplesBody(BaseModel):
    """Samples of many links."""

    model_config = STRICT

    samples: list[LinkSampleBody]


class LinksBody(BaseModel):
    """Links to forecast for; the answers come in the same order."""

    model_config = STRICT

    link_ids: list[str]
    allocation: dict[str, Any] | None = Field(None, description=_ADVICE)


class RollbackBody(BaseModel):
    """Who goes back to the champion before, and why."""

    model_config = STRICT

    expected: _Seen = Field(None, description="Number or version of the champion to take back.")
    who: Annotated[str, Field(min_length=1, max_length=200)] = "http"
    why: Annotated[str, Field(max_length=1000)] = ""


class PromotionBody(RollbackBody):
    """Which version becomes champion, in whose place."""

    version: str
    expected: _Seen = Field(None, description="Number or version of the champion to replace.")


class FlagsBody(BaseModel):
    """What to change about the flags."""

    model_config = STRICT

    version: Annotated[int, Field(strict=True, description="the version that was read before")]
    who: Annotated[str, Field(min_length=1, max_length=200, description="told with the change")]
    flags: dict[str, Any] = Field(description="the flags to change, as in docs/rollout.md")
