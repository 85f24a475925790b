"""Whom a command asks: a running service, or the same path in this process."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pba.client import AsyncPBAClient, PBAClient
from pba.errors import InvalidTrace
from pba.evaluation.trace_replay import ForecastFunction
from pba.serving.local_service import LocalService
from pba.telemetry.traces import Trace, read_traces
from pba.types import Forecast, History

__all__ = [
    "InProcess",
    "StoredLink",
    "ModelFolder",
    "TraceId",
    "Url",
    "forecast_function",
    "select_traces",
    "history_forecaster",
]

Url = Annotated[str, typer.Option(help="Where the service answers.")]
InProcess = Annotated[bool, typer.Option(help="Forecast in this process, without a service.")]
ModelFolder = Annotated[Path, typer.Option(help="The models of --in-process, one folder a mode.")]
TraceId = Annotated[str | None, typer.Option(help="Only the trace of this name.")]

SHIPPED = Path(__file__).parents[2] / "models"


class StoredLink:
    """A link that a running service remembers: report to it, then ask by the link's name.

    Parameters
    ----------
    client
        Of the service.
    link_id
        New to the service.
    """

    def __init__(self, client: AsyncPBAClient, link_id: str) -> None:
        self._client, self._link_id, self._newest_s = client, link_id, -np.inf

    async def report(self, history: History) -> None:
        """Report those samples of ``history`` that were not reported yet."""
        new = history.last(int((history.timestamps_s > self._newest_s).sum()))
        await self._client.observe(self._link_id, new)
        self._newest_s = float(history.timestamps_s[-1])

    async def ask(self, _: History) -> Forecast:
        """Return the forecast from what was reported."""
        return await self._client.link_forecast(self._link_id)

    async def state(self) -> dict[str, Any]:
        """Return what the service knows of it."""
        return await self._client.link(self._link_id)


@contextlib.contextmanager
def forecast_function(
    url: str, in_process: bool, models: Path
) -> Iterator[Callable[[History], Forecast]]:
    """Yield the way to a forecast."""
    if in_process:
        yield LocalService.load(models).forecast
        return
    with PBAClient(url) as client:
        yield client.forecast


def history_forecaster(client: AsyncPBAClient | None, models: Path) -> ForecastFunction:
    """Return the way to a forecast from a history: of ``client``, or in this process."""
    if client is not None:
        return client.forecast
    service = LocalService.load(models)

    async def ask(history: History) -> Forecast:
        return service.forecast(history)

    return ask


def select_traces(path: Path, trace_id: str | None = None, split: str | None = None) -> list[Trace]:
    """Return the traces in the file ``path``, or those of one name or split.

    Raises
    ------
    InvalidTrace
        If none is left.
    """
    traces = read_traces(path)
    kept = [
        trace
        for trace in traces
        if trace_id in (None, trace.trace_id) and split in (None, trace.split)
    ]
    if not kept:
        raise InvalidTrace(
            f"{path} has no trace {trace_id or ''} in split {split or 'any'}; it has "
            f"{', '.join(trace.trace_id for trace in traces[:5])}, … ({len(traces)} in all)."
        )
    return kept
