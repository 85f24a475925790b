"""The core behind HTTP and handle calls: plan, ask the models at once, assemble. Knows no Ray."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pba.errors import PBAError, Unavailable
from pba.forecasting.assembly import ForecastResult, assemble
from pba.forecasting.planning import (
    ForecastPlan,
    ModelCall,
    ModelFailure,
    ModelOutput,
    Query,
    model_calls,
    plan,
)
from pba.rollout import Arm, Flags
from pba.serving.chunking import CHUNK, in_chunks
from pba.types import Floats, NetworkMode

__all__ = ["ModelClient", "ForecastService"]

ModelClient = Callable[[Floats], Awaitable[ModelOutput]]
"""Asks one model; raises `Busy` where it has too much to do and `Unavailable` where it is away."""

_log = logging.getLogger("ray.serve")


class ForecastService:
    """Forecasts from histories; holds no state, so any copy may answer any call.

    Parameters
    ----------
    models
        How to ask each model, by name; one that is missing counts as away.
    deadline_s
        How long one model call may take before the forecast is made without it. Calls of one
        request that are under way at once queue behind each other: n are given n times as long.
    gap_intervals
        As for `pba.forecasting.planning.plan`.
    clock
        The time of a forecast.
    flags
        What is switched on, and which arm answers for a link.
    """

    def __init__(
        self,
        models: Mapping[str, ModelClient],
        deadline_s: float,
        gap_intervals: float,
        clock: Callable[[], datetime],
        flags: Callable[[], Flags] = Flags,
    ) -> None:
        self._models = models
        self._deadline_s = deadline_s
        self._gap_intervals = gap_intervals
        self._clock = clock
        self._flags = flags

    async def forecast(self, query: Query) -> ForecastResult:
        """Return the forecast for ``query``; raises what is wrong with it."""
        (made,) = await self._answer([self._plan(query)], 1)
        return made

    async def forecasts(
        self, queries: Sequence[Query | PBAError], at_once: int = 1
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or what is wrong, for each of ``queries``, in order.

        Parameters
        ----------
        at_once
            How many such calls of one request, this one among them, are under way.
        """
        return await in_chunks(queries, lambda part, own: self._forecasts(part, own * at_once))

    async def compared(self, queries: Sequence[Query]) -> list[ForecastResult]:
        """Return what the arm that a query names would say, where its models answer in time."""
        made = await self.forecasts(queries)
        return [one for one in made if isinstance(one, ForecastResult) and _answered(one)]

    async def _forecasts(
        self, queries: Sequence[Query | PBAError], at_once: int
    ) -> list[ForecastResult | PBAError]:
        planned = [self._plan_or_error(query) for query in queries]
        plans = [item for item in planned if isinstance(item, ForecastPlan)]
        made = iter(await self._answer(plans, at_once))
        return [next(made) if isinstance(item, ForecastPlan) else item for item in planned]

    def _plan(self, query: Query) -> ForecastPlan:
        """Return what to ask: of the arm that the flags send the link to, in a mode they allow."""
        flags = self._flags()
        arm = query.arm or flags.arm(query.link_id)
        mode = query.mode or (None if flags.enable_mode_detection else NetworkMode.INTERNET)
        record = query.record if arm is Arm.V3 else None
        routed = replace(query, arm=arm, mode=mode, record=record)
        planned = plan(routed, self._gap_intervals)
        if planned.mode is NetworkMode.HYBRID and not flags.enable_hybrid_mode:
            return plan(replace(routed, mode=NetworkMode.INTERNET), self._gap_intervals)
        return planned

    async def _answer(self, plans: Sequence[ForecastPlan], at_once: int) -> list[ForecastResult]:
        asked = model_calls(plans, CHUNK)
        calls = len(asked) * at_once
        answers = await asyncio.gather(*(self._ask(batch, calls) for batch in asked))
        return assemble(plans, asked, answers, self._clock())

    async def _ask(self, batch: ModelCall, calls: int) -> ModelOutput | ModelFailure:
        ask = self._models.get(batch.model)
        if ask is None:
            return ModelFailure("model_unavailable")
        try:
            return await asyncio.wait_for(ask(batch.telemetry), self._deadline_s * calls)
        except TimeoutError:
            _log.warning("model_late", extra={"model": batch.model})
            return ModelFailure("model_late")
        except Unavailable as error:
            _log.warning("model_unavailable", extra={"model": batch.model, "why": str(error)})
            return ModelFailure("model_unavailable")

    def _plan_or_error(self, query: Query | PBAError) -> ForecastPlan | PBAError:
        if isinstance(query, PBAError):
            return query
        try:
            return self._plan(query)
        except PBAError as error:
            return error


def _answered(made: ForecastResult) -> bool:
    return not {"model_late", "model_unavailable"} & set(made.forecast.reasons)
