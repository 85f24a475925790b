"""A link service over a SQLite file or an absent store, without Ray, for tests."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pba.serving.forecast_service import ForecastService, ModelClient
from pba.serving.group_commit import GroupCommit
from pba.serving.link_service import LinkService
from pba.store import Receipt, SampleReport, Store, WriteBatch
from pba.types import History, NetworkMode
from tests.serving.toy_models import SettableFlags, unavailable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
START_S = NOON.timestamp() - 1000


class LinkHarness:
    """A link service, and a record of what it wrote.

    Parameters
    ----------
    url
        The store's.
    record_deadline_s, store_deadline_s
        As for `LinkService`.
    models
        The clients; by default one model that is unavailable.
    """

    def __init__(
        self,
        url: str,
        record_deadline_s: float = 30.0,
        store_deadline_s: float = 30.0,
        models: Mapping[str, ModelClient] | None = None,
    ) -> None:
        self.store = Store(url, NOON.timestamp)
        self.flags = SettableFlags()
        clients = {NetworkMode.INTERNET: unavailable} if models is None else models
        self.forecasts = ForecastService(clients, 30.0, 10.0, lambda: NOON, self.flags)
        self.batches: list[WriteBatch] = []
        self.links = LinkService(
            self.forecasts,
            self.store,
            GroupCommit(self._write, 100),
            300.0,
            lambda: NOON,
            record_deadline_s,
            store_deadline_s,
            self.flags,
        )

    def _write(self, batch: WriteBatch) -> list[Receipt]:
        self.batches.append(batch)
        return self.store.write(batch)


@contextlib.asynccontextmanager
async def open_links(
    folder: Path, models: Mapping[str, ModelClient] | None = None, **deadlines_s: float
) -> AsyncIterator[LinkHarness]:
    """Yield a harness over a new SQLite file in ``folder``."""
    harness = LinkHarness(f"sqlite:///{folder}/pba.db", models=models, **deadlines_s)
    harness.store.ready()
    yield harness
    await harness.links.drain()
    harness.store.close()


def without_store(folder: Path) -> LinkHarness:
    """Return a harness whose store is a PostgreSQL that does not run."""
    return LinkHarness(f"postgresql://nobody@/x?host={folder}")


def report(link_id: str, count: int, mbps: float = 20.0, first: int = 0) -> SampleReport:
    """Return ``count`` samples, one a second; ``first`` seconds after `START_S` is the first."""
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps
    return SampleReport(link_id, START_S + first + np.arange(count), telemetry)


def history(count: int, mbps: float = 20.0, first: int = 0) -> History:
    """Return the same samples as a history."""
    samples = report("", count, mbps, first)
    return History(samples.timestamps_s, samples.telemetry)
