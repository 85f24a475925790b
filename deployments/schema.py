"""The wire: JSON bodies in, domain objects out. Types are checked here, ranges in `pba.types`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypeVar

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WrapValidator,
)
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails, PydanticCustomError, to_json
from typing_extensions import TypedDict

from pba.allocation import AllocationRequest
from pba.errors import InvalidInput, InvalidRequest, InvalidSample, NotJson, PBAError, TooLarge
from pba.forecasting import Query
from pba.store import Report
from pba.types import (
    COLUMNS,
    LIMITS,
    Floats,
    History,
    NetworkMode,
    check_link_id,
    check_samples,
)

__all__ = [
    "BulkBody",
    "BulkSamplesBody",
    "FlagsBody",
    "ForecastBody",
    "LinksBody",
    "PromotionBody",
    "RollbackBody",
    "SamplesBody",
    "encode",
    "read_allocation",
    "read_bulk_samples",
    "read_flags",
    "read_link_ids",
    "read_promotion",
    "read_queries",
    "read_query",
    "read_rollback",
    "read_samples",
]

_Body = TypeVar("_Body")

_ADVICE = "Asks for advice: {} with the defaults, other fields as in docs/allocation.md."
_STRICT = ConfigDict(extra="forbid")
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

    __pydantic_config__ = _STRICT  # type: ignore[misc]

    timestamp: Annotated[_Moment, Field(description="RFC 3339 in UTC, or Unix seconds")]
    bandwidth_mbps: Annotated[float, _measured("bandwidth_mbps")]
    latency_ms: NotRequired[Annotated[float, _measured("latency_ms")] | None]
    packet_loss: NotRequired[Annotated[float, _measured("packet_loss")] | None]
    jitter_ms: NotRequired[Annotated[float, _measured("jitter_ms")] | None]
    throughput_mbps: NotRequired[Annotated[float, _measured("throughput_mbps")] | None]


class ForecastBody(BaseModel):
    """A history, oldest sample first, to forecast from."""

    model_config = _STRICT

    history: list[SampleBody]
    link_id: str | None = Field(None, description="1-200 characters of A-Z a-z 0-9 . _ : @ > -")
    mode: Literal["auto", "datacenter", "internet", "hybrid"] = "auto"
    allocation: dict[str, Any] | None = Field(None, description=_ADVICE)


class BulkBody(BaseModel):
    """Many requests; the answers come in the same order."""

    model_config = _STRICT

    requests: list[ForecastBody]


class SamplesBody(BaseModel):
    """Samples of one link, in any order; those that are stored already do no harm."""

    model_config = _STRICT

    samples: list[SampleBody]


class LinkSampleBody(SampleBody):
    """One measurement of the link that it names."""

    link_id: Annotated[str, Field(description="1-200 characters of A-Z a-z 0-9 . _ : @ > -")]


class BulkSamplesBody(BaseModel):
    """Samples of many links."""

    model_config = _STRICT

    samples: list[LinkSampleBody]


class LinksBody(BaseModel):
    """Links to forecast for; the answers come in the same order."""

    model_config = _STRICT

    link_ids: list[str]
    allocation: dict[str, Any] | None = Field(None, description=_ADVICE)


class RollbackBody(BaseModel):
    """Who goes back to the champion before, and why."""

    model_config = _STRICT

    expected: _Seen = Field(None, description="Number or version of the champion to take back.")
    who: Annotated[str, Field(min_length=1, max_length=200)] = "http"
    why: Annotated[str, Field(max_length=1000)] = ""


class PromotionBody(RollbackBody):
    """Which version becomes champion, in whose place."""

    version: str
    expected: _Seen = Field(None, description="Number or version of the champion to replace.")


class FlagsBody(BaseModel):
    """What to change about the flags."""

    model_config = _STRICT

    version: Annotated[int, Field(strict=True, description="the version that was read before")]
    who: Annotated[str, Field(min_length=1, max_length=200, description="told with the change")]
    flags: dict[str, Any] = Field(description="the flags to change, as in docs/rollout.md")


def read_flags(body: bytes) -> FlagsBody:
    """Return what ``body`` asks; raises `InvalidRequest` with the field that is to blame."""
    return _read(_FLAGS, body)


def read_promotion(body: bytes) -> PromotionBody:
    """Return what ``body`` asks; raises `InvalidRequest` with the field that is to blame."""
    return _read(_PROMOTION, body)


def read_rollback(body: bytes) -> RollbackBody:
    """Return what ``body`` asks, which may be empty; raises as `read_promotion`."""
    return _read(_ROLLBACK, body or b"{}")


def read_samples(body: bytes, link_id: str, most: int) -> list[Report]:
    """Return what ``body`` reports of one link.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidInput
        With the field that is to blame.
    TooLarge
        For more than ``most`` samples.
    """
    name = check_link_id(link_id)
    samples = _read(_SAMPLES, body).samples
    _refuse_more(samples, "samples", most)
    times, telemetry = _arrays(samples)
    check_samples(times, telemetry, "samples")
    return [Report(name, times, telemetry)]


def read_bulk_samples(body: bytes, most: int) -> list[Report]:
    """Return what ``body`` reports of many links, one report a link; raises as `read_samples`."""
    samples = _read(_BULK_SAMPLES, body).samples
    _refuse_more(samples, "samples", most)
    times, telemetry = _arrays(samples)
    check_samples(times, telemetry, "samples")
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        rows.setdefault(sample["link_id"], []).append(row)
    for name, (first, *_) in rows.items():
        try:
            check_link_id(name)
        except InvalidInput as error:
            raise error.inside(f"samples[{first}]") from None
    return [Report(name, times[at], telemetry[at]) for name, at in rows.items()]


def read_link_ids(body: bytes, most: int) -> tuple[list[str], AllocationRequest | None]:
    """Return the links that ``body`` names and the advice it asks; raises as `read_samples`."""
    asked = _read(_LINKS, body)
    _refuse_more(asked.link_ids, "link_ids", most)
    return asked.link_ids, read_allocation(asked.allocation)


def read_allocation(asked: Mapping[str, Any] | None) -> AllocationRequest | None:
    """Return the advice that is asked for, if any.

    Raises
    ------
    InvalidRequest
        With the field that is to blame.
    """
    return None if asked is None else AllocationRequest.from_dict(asked)


def read_query(body: bytes) -> Query:
    """Return the query that ``body`` asks.

    Raises
    ------
    InvalidRequest, InvalidSample, InvalidHistory, InvalidInput
        With the field that is to blame.
    """
    return _query(_read(_ONE, body))


def read_queries(body: bytes, most: int) -> list[Query | PBAError]:
    """Return the query of each request, or what is wrong with it in its place.

    Raises
    ------
    InvalidRequest
        If the body as a whole is not ``{"requests": [...]}``.
    TooLarge
        For more than ``most`` requests.
    """
    items = _read(_MANY, body)["requests"]
    _refuse_more(items, "requests", most)
    return [_query_or_error(item) for item in items]


def encode(value: Any) -> bytes:
    """Return ``value`` as JSON, NaN and infinities left as they are so that reading refuses them.

    Raises
    ------
    InvalidRequest
        For values that JSON has no form for.
    """
    try:
        return to_json(value, inf_nan_mode="constants")
    except ValueError as error:
        raise InvalidRequest(f"the request cannot be written as JSON: {error}") from None


def _or_error(value: Any, read: Callable[[Any], ForecastBody]) -> ForecastBody | PBAError:
    try:
        return read(value)
    except ValidationError as error:
        return _explained(error)


class _Many(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]

    requests: list[Annotated[ForecastBody, WrapValidator(_or_error)]]


_ONE = TypeAdapter(ForecastBody)
_MANY = TypeAdapter(_Many)
_SAMPLES = TypeAdapter(SamplesBody)
_BULK_SAMPLES = TypeAdapter(BulkSamplesBody)
_LINKS = TypeAdapter(LinksBody)
_FLAGS = TypeAdapter(FlagsBody)
_PROMOTION = TypeAdapter(PromotionBody)
_ROLLBACK = TypeAdapter(RollbackBody)


def _read(kind: TypeAdapter[_Body], body: bytes) -> _Body:
    try:
        return kind.validate_json(body)
    except ValidationError as error:
        raise _explained(error) from None


def _refuse_more(items: Sequence[Any], name: str, most: int) -> None:
    if len(items) > most:
        raise TooLarge(
            f"{name} has {len(items)} items; one call carries at most {most}. Split it.", name
        )


def _query_or_error(item: ForecastBody | PBAError) -> Query | PBAError:
    if isinstance(item, PBAError):
        return item
    try:
        return _query(item)
    except InvalidInput as error:
        return error


def _query(body: ForecastBody) -> Query:
    mode = None if body.mode == "auto" else NetworkMode(body.mode)
    link_id = None if body.link_id is None else check_link_id(body.link_id)
    allocation = read_allocation(body.allocation)
    return Query(_history(body.history), mode, link_id, allocation=allocation)


def _history(samples: Sequence[SampleBody]) -> History:
    return History(*_arrays(samples))


def _arrays(samples: Sequence[SampleBody]) -> tuple[Floats, Floats]:
    """Return times in Unix seconds, ``(sample,)``, and telemetry, ``(sample, 5)``."""
    rows = [
        (
            sample["timestamp"],
            sample["bandwidth_mbps"],
            sample.get("latency_ms"),
            sample.get("packet_loss"),
            sample.get("jitter_ms"),
            sample.get("throughput_mbps"),
        )
        for sample in samples
    ]
    moments = [_seconds(row[0]) for row in rows]
    telemetry = np.array([row[1:] for row in rows], dtype=float).reshape(-1, len(COLUMNS))
    return np.array(moments, dtype=float), telemetry


def _seconds(moment: float | datetime) -> float:
    if not isinstance(moment, datetime):
        return moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _explained(error: ValidationError) -> PBAError:
    """Return the first thing wrong, as rule, value and remedy."""
    detail = error.errors(include_url=False)[0]
    if detail["type"] == "json_invalid":
        return NotJson(f"the body is not JSON: {detail['ctx']['error']}. Send a JSON object.")
    where = detail["loc"]
    if "timestamp" in where and detail["type"] != "missing":
        where = where[: where.index("timestamp") + 1]
        return InvalidRequest(
            f"timestamp is {_shown(detail)}; it is RFC 3339 text or a number of Unix seconds.",
            _path(where),
        )
    field = _path(where) or None
    known = next((name for name in reversed(detail["loc"]) if name in LIMITS), None)
    if known and detail["type"] in ("float_type", "finite_number"):
        limit = LIMITS[str(known)]
        remedy = "Drop the sample" if known == "bandwidth_mbps" else "Leave the field out"
        return InvalidSample(
            f"{known} is {_shown(detail)}; it is {limit.rule}, as a JSON number. {remedy} where "
            "nothing was measured.",
            field,
        )
    return InvalidRequest(_RULES.get(detail["type"], _plain)(detail), field)


def _plain(detail: ErrorDetails) -> str:
    return f"{_path(detail['loc']) or 'the body'} is {_shown(detail)}; {detail['msg']}."


def _unknown(detail: ErrorDetails) -> str:
    return f"{detail['loc'][-1]} is not a field here. Remove it; the fields are listed at /docs."


def _missing(detail: ErrorDetails) -> str:
    return f"{detail['loc'][-1]} is missing and is required. Add it."


_RULES: dict[str, Callable[[ErrorDetails], str]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
}


def _shown(detail: ErrorDetails) -> str:
    text = repr(detail["input"])
    return text if len(text) <= 60 else f"{text[:60]}…"


def _path(location: tuple[int | str, ...]) -> str:
    """Return ``history[12].packet_loss`` for ``("history", 12, "packet_loss")``."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location]
    return "".join(parts).removeprefix(".")
