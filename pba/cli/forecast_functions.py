"""Forecasts for commands: from a running service, or from the same code in this process."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pba.cli.service_options import Service
from pba.client import AsyncPBAClient
from pba.errors import from_body
from pba.evaluation.trace_replay import ForecastFunction
from pba.serving.local_service import LocalService
from pba.types import Forecast, History

__all__ = ["StoredLink", "forecast_function", "history_forecaster"]


class StoredLink:
    """A link whose history a running service stores.

    Parameters
    ----------
    client
        A client of the service.
    link_id
        A name that is new to the service.
    """

    def __init__(self, client: AsyncPBAClient, link_id: str) -> None:
        self._client, self._link_id, self._newest_s = client, link_id, -np.inf

    async def report(self, history: History) -> None:
        """Report those samples of ``history`` that were not reported before.

        Raises
        ------
        InvalidInput
            For a sample that the service refuses: its forecasts would not be those of the trace.
        """
        new = history.last(int((history.timestamps_s > self._newest_s).sum()))
        receipt = await self._client.observe(self._link_id, new)
        for refused in receipt["refused"]:
            raise from_body(refused["error"])
        self._newest_s = float(history.timestamps_s[-1])

    async def forecast(self, _: History) -> Forecast:
        """Return the forecast from the samples reported so far, as of the newest."""
        return await self._client.link_forecast(self._link_id, as_of_newest=True)

    async def state(self) -> dict[str, Any]:
        """Return the link's state in the service."""
        return await self._client.link(self._link_id)


@contextlib.contextmanager
def forecast_function(
    service: Service, in_process: bool, models: Path
) -> Iterator[Callable[[History], Forecast]]:
    """Yield a function that forecasts from a history, as of its newest sample."""
    if in_process:
        yield partial(LocalService.load(models).forecast, as_of_newest=True)
        return
    with service.client() as client:
        yield partial(client.forecast, as_of_newest=True)


def history_forecaster(client: AsyncPBAClient | None, models: Path) -> ForecastFunction:
    """Return an async function that forecasts from a history, as of its newest sample.

    It calls ``client``, or forecasts in this process if that is None.
    """
    if client is not None:
        return partial(client.forecast, as_of_newest=True)
    service = LocalService.load(models)

    async def forecast(history: History) -> Forecast:
        return service.forecast(history, as_of_newest=True)

    return forecast
