"""Forecasts from histories: plan, call the models together, assemble."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from pba.errors import Busy, PBAError, Unavailable
from pba.forecasting import (
    ForecastJob,
    ForecastResult,
    ModelCall,
    ModelFailure,
    ModelOutput,
    Query,
)
from pba.serving.chunking import AT_ONCE, in_chunks
from pba.serving.flag_watch import FixedFlags, FlagSource
from pba.serving.pools import DEFAULT_POOL, Pool
from pba.serving.tracing import span
from pba.types import Floats

__all__ = ["ForecastService", "ModelClient"]

_Result = TypeVar("_Result")

ModelClient = Callable[[Floats], Awaitable[ModelOutput]]
"""Calls one model; raises `Busy` if it is overloaded, and `Unavailable` if it does not answer."""

_FAILURES = frozenset({"model_busy", "model_late", "model_unavailable"})

_DEFAULT_FLAGS = FixedFlags()

_SMALL = 4
"""Planning or assembling so many forecasts takes about a millisecond."""

_log = logging.getLogger(__name__)


class ForecastService:
    """Forecasts from histories. It keeps no state, so any copy may answer any call.

    Parameters
    ----------
    models
        A client for each model, by name; a missing one counts as unavailable.
    deadline_s
        How long the model calls of a chunk may take, side by side, before the forecasts are
        assembled without those that are late. The chunks that one request has in flight queue
        behind each other, so with n of them each gets n times as long.
    gap_intervals
        As for `pba.forecasting.ForecastJob`.
    clock
        The time of a forecast.
    flags
        Know the flags now.
    chunks_at_once
        As for `pba.serving.chunking.in_chunks`.
    long_steps
        Where more than a few forecasts are planned and assembled.
    """

    def __init__(
        self,
        models: Mapping[str, ModelClient],
        deadline_s: float,
        gap_intervals: float,
        clock: Callable[[], datetime],
        flags: FlagSource = _DEFAULT_FLAGS,
        chunks_at_once: int = AT_ONCE,
        long_steps: Pool = DEFAULT_POOL,
    ) -> None:
        self.chunks_at_once = chunks_at_once
        self._models = models
        self._deadline_s = deadline_s
        self._gap_intervals = gap_intervals
        self._clock = clock
        self._flags = flags
        self._long_steps = long_steps

    async def forecast(self, query: Query) -> ForecastResult:
        """Return the forecast for ``query``; raises the query's error."""
        (result,) = await self.forecast_chunk([query])
        if isinstance(result, PBAError):
            raise result
        return result

    async def forecasts(
        self, queries: Sequence[Query | PBAError]
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or an error, for each query in order, chunk by chunk."""
        return await in_chunks(queries, self.forecast_chunk, self.chunks_at_once)

    async def forecast_chunk(
        self, queries: Sequence[Query | PBAError], concurrent: int = 1
    ) -> list[ForecastResult | PBAError]:
        """Return a forecast, or an error, for each query in order, with one call per model.

        Parameters
        ----------
        concurrent
            How many chunks of the same request are in flight, this one included.
        """
        step = self._long_steps if len(queries) > _SMALL else _at_once
        with span("plan", forecasts=len(queries)):
            job = await step(
                lambda: ForecastJob(list(queries), self._flags.current, self._gap_intervals)
            )
        deadline_s = self._deadline_s * concurrent
        if len(job.calls) == 1:  # without a task of its own
            outputs = [await self._run(job.calls[0], deadline_s)]
        else:
            outputs = await asyncio.gather(*(self._run(call, deadline_s) for call in job.calls))
        with span("assemble"):
            return await step(lambda: job.finish(outputs, self._clock()))

    async def compare(self, queries: Sequence[Query]) -> list[ForecastResult]:
        """Return the forecasts of the arm that each query names, without those whose model failed.

        For shadow mode, which compares models and not fallbacks.
        """
        results = await self.forecasts(queries)
        return [
            result
            for result in results
            if isinstance(result, ForecastResult) and _FAILURES.isdisjoint(result.forecast.reasons)
        ]

    async def _run(self, call: ModelCall, deadline_s: float) -> ModelOutput | ModelFailure:
        client = self._models.get(call.model)
        if client is None:
            return ModelFailure("model_unavailable")
        try:
            async with asyncio.timeout(deadline_s):
                with span("model", model=call.model, windows=len(call.telemetry)):
                    return await client(call.telemetry)
        except TimeoutError:
            _log.warning("model_late", extra={"model": call.model})
            return ModelFailure("model_late")
        except Busy as error:
            return ModelFailure("model_busy", error)
        except Unavailable as error:
            _log.warning("model_unavailable", extra={"model": call.model, "why": str(error)})
            return ModelFailure("model_unavailable")


async def _at_once(call: Callable[[], _Result]) -> _Result:
    """Return what ``call`` returns, on the event loop: a change of threads would take longer."""
    return call()
