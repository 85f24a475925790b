"""Writing forecasts, to be scored later."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from pba.store.dialects import insert_into
from pba.store.link_locks import lock_links
from pba.store.tables import forecasts as table
from pba.store.timestamps import to_micros
from pba.store.values import StoredForecast

__all__ = ["add_forecasts"]


def add_forecasts(connection: Connection, forecasts: Sequence[StoredForecast]) -> None:
    """Store forecasts; of several with one link, newest sample, arm and version the first is kept.

    Forecasts of links that do not exist (any more) are dropped.
    """
    links = lock_links(connection, (forecast.link_id for forecast in forecasts))
    rows = [
        _row(links[forecast.link_id].id, forecast)
        for forecast in forecasts
        if forecast.link_id in links
    ]
    if rows:
        connection.execute(insert_into(connection, table).on_conflict_do_nothing(), rows)


def _row(link: int, forecast: StoredForecast) -> dict[str, Any]:
    return {
        "link": link,
        "after_us": to_micros(forecast.after_s),
        "made_us": to_micros(forecast.created_s),
        "mode": forecast.mode,
        "source": forecast.source,
        "version": forecast.version,
        "arm": forecast.arm,
        "served": forecast.served,
        "step_s": forecast.step_s,
        "took_ms": forecast.took_ms,
        "said": json.dumps(forecast.prediction),
    }
