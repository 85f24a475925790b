"""Questions about transfers, within the rights of their callers: forecasts first, then answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from pba.errors import PBAError
from pba.forecasting import Query
from pba.forecasting.transfer import forecast_transfer, forecast_transfers
from pba.forecasting.transfer_request import TransferRequest
from pba.security.identity import Identity
from pba.serving.data_plane import DataPlane
from pba.serving.scoped_calls import link_forecasts
from pba.types import Forecast
from pba.types.transfer import TransferForecast

__all__ = ["TransferQuery", "transfer", "transfers"]

_CHUNK = 64
"""Answers of one step of a thread: at most 0.1 s, while other large requests wait."""

_AT_ONCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class TransferQuery:
    """A question about one transfer.

    Parameters
    ----------
    link
        The name of a link with stored samples, or the query for a forecast that names none.
    request
        The transfer.
    """

    link: str | Query
    request: TransferRequest


async def transfer(
    plane: DataPlane,
    identity: Identity,
    query: TransferQuery,
    started: float,
    as_of_newest: bool = False,
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
        identity.require_link(link)
        forecast = await plane.link_forecast(link, None, started, as_of_newest, identity.records)
    else:
        forecast = await plane.forecast(replace(link, as_of_newest=as_of_newest), started)
    return forecast_transfer(forecast, query.request)


async def transfers(
    plane: DataPlane,
    identity: Identity,
    queries: Sequence[TransferQuery | PBAError],
    as_of_newest: bool = False,
) -> list[TransferForecast | PBAError]:
    """Return how long each transfer takes, or an error in its place; as `transfer`."""
    valid = [query for query in queries if isinstance(query, TransferQuery)]
    names = [one.link for one in valid if isinstance(one.link, str)]
    given = [
        replace(one.link, as_of_newest=as_of_newest) for one in valid if isinstance(one.link, Query)
    ]
    stored = iter(await link_forecasts(plane, identity, names, None, as_of_newest) if names else ())
    fresh = iter(await plane.forecasts(given) if given else ())
    items = [
        one
        if isinstance(one, PBAError)
        else next(stored)
        if isinstance(one.link, str)
        else next(fresh)
        for one in queries
    ]
    return await _answers(plane, queries, items)


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
