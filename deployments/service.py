"""The core behind HTTP and handle calls: plan, ask the models at once, assemble. Knows no Ray."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from pba.assembly import Made, assemble
from pba.errors import PBAError, Unavailable
from pba.forecasting import Absent, Answer, Batch, Plan, Query, batches, plan
from pba.types import Floats, NetworkMode

__all__ = ["Ask", "Service"]

Ask = Callable[[Floats], Awaitable[Answer]]
"""Asks one model; raises `Busy` where it has too much to do and `Unavailable` where it is away."""

_log = logging.getLogger("ray.serve")


class Service:
    """Forecasts from histories; holds no state, so any copy may answer any call.

    Parameters
    ----------
    models
        How to ask each mode's model.
    deadline_s
        How long one model call may take before the forecast is made without it. Calls of one
        request queue behind each other, so the n-th of them is given n times as long.
    gap_intervals
        As for `pba.forecasting.plan`.
    clock
        The time of a forecast.
    """

    def __init__(
        self,
        models: Mapping[NetworkMode, Ask],
        deadline_s: float,
        gap_intervals: float,
        clock: Callable[[], datetime],
    ) -> None:
        self._models = models
        self._deadline_s = deadline_s
        self._gap_intervals = gap_intervals
        self._clock = clock

    async def forecast(self, query: Query) -> Made:
        """Return the forecast for ``query``; raises what is wrong with it."""
        (made,) = await self._answer([plan(query, self._gap_intervals)])
        return made

    async def forecasts(self, queries: Sequence[Query | PBAError]) -> list[Made | PBAError]:
        """Return a forecast, or what is wrong, for each of ``queries``, in order."""
        planned = [self._plan_or_error(query) for query in queries]
        plans = [item for item in planned if isinstance(item, Plan)]
        made = iter(await self._answer(plans))
        return [next(made) if isinstance(item, Plan) else item for item in planned]

    async def _answer(self, plans: Sequence[Plan]) -> list[Made]:
        asked = batches(plans)
        answers = await asyncio.gather(*(self._ask(batch, len(asked)) for batch in asked))
        return assemble(plans, asked, answers, self._clock())

    async def _ask(self, batch: Batch, calls: int) -> Answer | Absent:
        try:
            return await asyncio.wait_for(
                self._models[batch.model](batch.telemetry), self._deadline_s * calls
            )
        except TimeoutError:
            _log.warning("model_late", extra={"mode": batch.model.value})
            return Absent("model_late")
        except Unavailable as error:
            _log.warning("model_unavailable", extra={"mode": batch.model.value, "why": str(error)})
            return Absent("model_unavailable")

    def _plan_or_error(self, query: Query | PBAError) -> Plan | PBAError:
        if isinstance(query, PBAError):
            return query
        try:
            return plan(query, self._gap_intervals)
        except PBAError as error:
            return error
