"""Opening the telemetry store as the settings say."""

import time
from dataclasses import dataclass
from typing import Self

from pba.rollout import Flags
from pba.store import Store
from pba.store.recent_samples import SampleCache
from pba.store.schema_check import SchemaCheck

from .settings import Settings

__all__ = ["Stores", "open_store"]


def open_store(
    settings: Settings, schema: SchemaCheck | None = None, cache: SampleCache | None = None
) -> Store:
    """Return the store, which connects when it is first used; the rest as for `Store`."""
    return Store(
        settings.store_url,
        time.time,  # noqa: TID251 - the clock that is passed in
        settings.retention_days,
        Flags().changed(settings.flags),
        settings.forecast_retention_days,
        schema,
        cache,
        settings.audit_retention_days,
        settings.refusal_retention_days,
        settings.verdict_block_s,
    )


@dataclass(frozen=True, slots=True)
class Stores:
    """One store for each of `pba.serving.pools.Pools`, so that each has connections of its own."""

    writes: Store
    reads: Store
    flags: Store
    reports: Store

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Return stores of the one database, which connect when they are first used."""
        writes = open_store(settings)
        count = len(cls.__slots__) - 1
        return cls(
            writes, *(open_store(settings, writes.schema, writes.cache) for _ in range(count))
        )

    def close(self) -> None:
        """Close the connections."""
        for store in (self.writes, self.reads, self.flags, self.reports):
            store.close()
