"""Opening the telemetry store as the settings say."""

import time

from deployments.places import resolve_store
from deployments.settings import Settings
from pba.rollout import Flags
from pba.store import Store

__all__ = ["open_store"]


def open_store(settings: Settings) -> Store:
    """Return the store, which connects when it is first used."""
    return Store(
        resolve_store(settings.store_url),
        time.time,  # noqa: TID251 - the clock that is passed in
        settings.retention_days,
        settings.gap_intervals,
        Flags().changed(settings.flags),
    )
