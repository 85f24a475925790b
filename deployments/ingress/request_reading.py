"""From a JSON body to domain objects; `deployments.ingress.request_models` says what bodies hold."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import TypeAdapter, ValidationError, WrapValidator
from pydantic_core import to_json
from typing_extensions import TypedDict

from pba.errors import InvalidInput, InvalidRequest, PBAError, TooLarge
from pba.forecasting.allocation import AllocationRequest
from pba.forecasting.planning import Query
from pba.store import SampleReport
from pba.types import COLUMNS, Floats, History, NetworkMode, check_link_id, check_samples

from .request_models import (
    STRICT,
    BulkSamplesBody,
    FlagsBody,
    ForecastBody,
    LinksBody,
    PromotionBody,
    RollbackBody,
    SampleBody,
    SamplesBody,
)
from .validation_errors import explain

__all__ = [
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


def read_flags(body: bytes) -> FlagsBody:
    """Return what ``body`` asks; raises `InvalidRequest` with the field that is to blame."""
    return _read(_FLAGS, body)


def read_promotion(body: bytes) -> PromotionBody:
    """Return what ``body`` asks; raises `InvalidRequest` with the field that is to blame."""
    return _read(_PROMOTION, body)


def read_rollback(body: bytes) -> RollbackBody:
    """Return what ``body`` asks, which may be empty; raises as `read_promotion`."""
    return _read(_ROLLBACK, body or b"{}")


def read_samples(body: bytes, link_id: str, most: int) -> list[SampleReport]:
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
    return [SampleReport(name, times, telemetry)]


def read_bulk_samples(body: bytes, most: int) -> list[SampleReport]:
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
    return [SampleReport(name, times[at], telemetry[at]) for name, at in rows.items()]


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
        return explain(error)


class _Many(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]

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
        raise explain(error) from None


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
