"""Opening the telemetry store as the settings say."""

import time

from pba.rollout import Flags
from pba.store import Store

from .settings import Settings

__all__ = ["open_store"]


def open_store(settings: Settings) -> Store:
    """Return the store, which connects when it is first used."""
    return Store(
        settings.store_url,
        time.time,  # noqa: TID251 - the clock that is passed in
        settings.retention_days,
        Flags().changed(settings.flags),
    )
