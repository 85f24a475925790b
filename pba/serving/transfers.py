"""Questions about transfers, within the rights of their callers: forecasts first, then answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pba.errors import InvalidRequest, PBAError
from pba.forecasting import Query
from pba.forecasting.transfer import forecast_transfer, forecast_transfers
from pba.forecasting.transfer_request import TransferRequest
from pba.scoring.transfer_sums import RecordedTransfer
from pba.security.identity import Identity
from pba.serving.data_plane import DataPlane
from pba.serving.scoped_calls import link_forecast, link_forecasts
from pba.types import Forecast, NetworkMode, check_link_id
from pba.types.transfer import TransferForecast

__all__ = ["TransferQuery", "check_link_of", "check_record", "transfer", "transfers"]

_CHUNK = 64
"""Answers of one step of a thread: at most 0.1 s, while other large requests wait."""

_AT_ONCE = 4
_NOT_SCORED = frozenset({"stale", "not_recorded"})
"""Reasons of forecasts with which no transfer is recorded: when it begins is not clear."""


@dataclass(frozen=True, slots=True, eq=False)
class TransferQuery:
    """A question about one transfer.

    Parameters
    ----------
    link
        The name of a link with stored samples, or the query for a forecast that names none.
    request
        The transfer.
    as_of_newest
        For a link with stored samples, as in `pba.forecasting.Query`.
    record
        Whether the answer is recorded and scored, for a link with stored samples; None where the
        call decides: one question is recorded, one of many is not.
    """

    link: str | Query
    request: TransferRequest
    as_of_newest: bool = False
    record: bool | None = None


def check_record(record: bool | None, link_id: str | None, request: TransferRequest) -> None:
    """Check that a transfer which is to be recorded can be scored.

    Raises
    ------
    InvalidRequest
        Without the name of a link, and for a live migration.
    """
    if record and link_id is None:
        raise InvalidRequest(
            "record is true beside a history; only transfers over stored links are scored. Leave "
            "record out, or send the link_id.",
            "record",
        )
    if record and request.dirty_mbps is not None:
        raise InvalidRequest(
            "record is true beside dirty_mbps; live migrations are not scored. Leave one of them "
            "out.",
            "record",
        )


def check_link_of(link_id: str | None, has_history: bool, mode: NetworkMode | None) -> None:
    """Check that a question says in one way which link a transfer is over.

    Raises
    ------
    InvalidRequest, InvalidInput
        With the field in question.
    """
    if has_history == (link_id is not None):
        number = "both" if has_history else "neither"
        raise InvalidRequest(
            f"{number} of history and link_id is there; a transfer is over one link. Send the "
            "history, or the name under which the link has stored one.",
            "link_id",
        )
    if link_id is None:
        return
    check_link_id(link_id)
    if mode is not None:
        raise InvalidRequest(
            f"mode is {mode} beside a link_id; a stored link has its mode. Leave mode out, or send "
            "the history.",
            "mode",
        )


async def transfer(
    plane: DataPlane,
    identity: Identity,
    query: TransferQuery,
    started: float,
) -> TransferForecast:
    """Return how long a transfer takes.

    Raises
    ------
    Forbidden
        For a link outside the scope of ``identity``.
    NotFound
        If the store has no such link.
    """
    link = query.link
    if isinstance(link, str):
        forecast = await link_forecast(plane, identity, link, None, started, query.as_of_newest)
    else:
        forecast = await plane.forecast(link, started)
    answer = forecast_transfer(forecast, query.request)
    if query.record is not False:
        plane.record_transfers(_recorded([(query, answer)]))
    return answer


async def transfers(
    plane: DataPlane, identity: Identity, queries: Sequence[TransferQuery | PBAError]
) -> list[TransferForecast | PBAError]:
    """Return how long each transfer takes, or an error in its place; as `transfer`."""
    given = [
        one.link
        for one in queries
        if isinstance(one, TransferQuery) and isinstance(one.link, Query)
    ]
    stored = {
        newest: iter(await _stored(plane, identity, queries, newest)) for newest in (False, True)
    }
    fresh = iter(await plane.forecasts(given) if given else ())
    items = [
        one
        if isinstance(one, PBAError)
        else next(stored[one.as_of_newest])
        if isinstance(one.link, str)
        else next(fresh)
        for one in queries
    ]
    answers = await _answers(plane, queries, items)
    chosen = [
        (query, answer)
        for query, answer in zip(queries, answers, strict=True)
        if isinstance(query, TransferQuery) and query.record
    ]
    plane.record_transfers(_recorded(chosen))
    return answers


def _recorded(
    pairs: Sequence[tuple[TransferQuery, TransferForecast | PBAError]],
) -> list[RecordedTransfer]:
    """Return those answers that can be scored, as they are stored."""
    return [
        RecordedTransfer(
            query.link,
            answer.newest_sample_at.timestamp(),
            answer.made_at.timestamp(),
            answer.mode.value,
            answer.step_s,
            answer.bytes,
            answer.deadline_s,
            answer.duration_s,
        )
        for query, answer in pairs
        if isinstance(answer, TransferForecast)
        and isinstance(query.link, str)
        and answer.dirty_mbps is None
        and _NOT_SCORED.isdisjoint(answer.reasons)
    ]


async def _stored(
    plane: DataPlane,
    identity: Identity,
    queries: Sequence[TransferQuery | PBAError],
    as_of_newest: bool,
) -> list[Forecast | PBAError]:
    """Return the forecasts of stored links, for the questions with that ``as_of_newest``."""
    names = [
        one.link
        for one in queries
        if isinstance(one, TransferQuery)
        and isinstance(one.link, str)
        and one.as_of_newest == as_of_newest
    ]
    return await link_forecasts(plane, identity, names, None, as_of_newest) if names else []


async def _answers(
    plane: DataPlane,
    queries: Sequence[TransferQuery | PBAError],
    items: Sequence[Forecast | PBAError],
) -> list[TransferForecast | PBAError]:
    pairs = [
        (item, query.request)
        for item, query in zip(items, queries, strict=True)
        if isinstance(item, Forecast) and isinstance(query, TransferQuery)
    ]
    answers: list[TransferForecast] = []
    for start in range(0, len(pairs), _CHUNK):
        forecasts, requests = zip(*pairs[start : start + _CHUNK], strict=True)
        step = partial(forecast_transfers, forecasts, requests)
        answers += await plane.pools.forecasts(step) if len(pairs) > _AT_ONCE else step()
    rest = iter(answers)
    return [item if isinstance(item, PBAError) else next(rest) for item in items]
