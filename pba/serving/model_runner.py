"""Runs of one model: calls that arrive while it runs share the next run."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from pba.errors import Busy
from pba.forecasting import ModelOutput
from pba.models.distribution import decode
from pba.models.onnx import OnnxForecaster
from pba.serving.tracing import OpenSpan, open_spans, span, traced
from pba.types import Floats

__all__ = ["ForecasterHolder", "ModelRunner"]

_LOOP_WINDOWS = 2
"""The most windows of a run on the event loop."""


class ForecasterHolder(Protocol):
    """Anything that holds the model that serves now, such as a `ModelHost`."""

    @property
    def forecaster(self) -> OnnxForecaster:
        """The model."""


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    telemetry: Floats
    output: asyncio.Future[ModelOutput]
    overdue_s: float
    traces: tuple[OpenSpan, ...]


class ModelRunner:
    """Answers calls with one model, as many in one run as wait for it.

    While nothing else waits, a small call runs on the event loop: a change of threads and back
    takes longer than others would have to wait. Under load, runs are in a thread, so that the loop
    reads the requests that share the next run. Calls that share a run share its decoding too.

    Parameters
    ----------
    holder
        Holds the model. It is looked up once a run, so that one version answers a whole call.
    max_windows
        The most windows of a run, unless a single call has more.
    count_run
        Called after each run with its windows and the seconds that it took.

    Attributes
    ----------
    arrived_windows
        How many windows have arrived so far.
    busy_s
        How long the model has run so far, in seconds.
    """

    def __init__(
        self,
        holder: ForecasterHolder,
        max_windows: int,
        count_run: Callable[[int, float], None] = lambda windows, seconds: None,
    ) -> None:
        self.max_windows = max_windows
        self._count_run = count_run
        self._holder = holder
        self._calls: deque[_Call] = deque()
        self._task: asyncio.Task[None] | None = None
        self._loaded = False
        self.arrived_windows = 0
        self.busy_s = 0.0
        self._thread = ThreadPoolExecutor(1, "model")

    @property
    def waiting_windows(self) -> int:
        """How many windows wait for a run."""
        return sum(len(call.telemetry) for call in self._calls)

    async def predict(self, telemetry: Floats, patience_s: float = math.inf) -> ModelOutput:
        """Return the model's output for ``telemetry``, shape ``(batch, window, column)``.

        Raises
        ------
        Busy
            If the call has waited for longer than ``patience_s`` when its turn comes.
        """
        loop = asyncio.get_running_loop()
        overdue_s = loop.time() + patience_s
        call = _Call(telemetry, loop.create_future(), overdue_s, open_spans())
        self._calls.append(call)
        self.arrived_windows += len(telemetry)
        if self._task is None:
            # The task begins in the next round of the loop, when other calls have joined.
            self._task = loop.create_task(self._run_all(), context=Context())
        return await call.output

    async def _run_all(self) -> None:
        try:
            while calls := self._next_calls():
                started_s = asyncio.get_running_loop().time()
                await self._run(calls)
                self.busy_s += asyncio.get_running_loop().time() - started_s
                self._loaded = len(calls) > 1 or bool(self._calls)
        finally:
            self._task = None

    def _next_calls(self) -> list[_Call]:
        """Take the calls of the next run; refuse those that are overdue."""
        now_s = asyncio.get_running_loop().time()
        calls: list[_Call] = []
        windows = 0
        while self._calls:
            call = self._calls[0]
            if calls and windows + len(call.telemetry) > self.max_windows:
                break
            self._calls.popleft()
            if call.output.done():  # its caller has given up
                continue
            if call.overdue_s < now_s:
                call.output.set_exception(Busy("the model's queue is too long."))
                continue
            calls.append(call)
            windows += len(call.telemetry)
        return calls

    async def _run(self, calls: list[_Call]) -> None:
        forecaster = self._holder.forecaster
        parts = [call.telemetry for call in calls]
        windows = parts[0] if len(parts) == 1 else np.concatenate(parts)
        predict = partial(_output, forecaster, windows, decoded=len(parts) > 1)
        started = time.perf_counter()
        traces = [trace for call in calls for trace in call.traces]
        try:
            with traced(traces), span("model.run", calls=len(calls), windows=len(windows)):
                if len(windows) <= _LOOP_WINDOWS and not self._loaded:
                    output = predict()
                else:
                    loop = asyncio.get_running_loop()
                    output = await loop.run_in_executor(self._thread, predict)
        except Exception as error:
            for call in calls:
                if not call.output.done():
                    call.output.set_exception(error)
            return
        self._count_run(len(windows), time.perf_counter() - started)
        stop = 0
        for call in calls:
            start, stop = stop, stop + len(call.telemetry)
            if not call.output.done():
                call.output.set_result(output if len(calls) == 1 else output.rows(start, stop))


def _output(forecaster: OnnxForecaster, windows: Floats, decoded: bool) -> ModelOutput:
    """Run the model; ``decoded`` is whether to decode all rows at once, here."""
    prediction, bins = forecaster.predict(windows), forecaster.bins
    decoding = decode(prediction.distributions, prediction.level_mbps, bins) if decoded else None
    return ModelOutput(forecaster.version, bins, prediction, decoding)
