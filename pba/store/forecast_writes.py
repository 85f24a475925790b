"""Storing forecasts until their actuals arrive."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.forecast_body import pack
from pba.store.due_links import mark_due
from pba.store.statements import insert_into, lock_links, to_micros
from pba.store.tables import forecasts as table
from pba.store.values import StoredForecast
from pba.store.version_table import version_ids
from pba.types import NetworkMode

__all__ = ["add_forecasts"]


def add_forecasts(connection: Connection, forecasts: Sequence[StoredForecast], now_us: int) -> None:
    """Store forecasts; of several with one link, newest sample, arm and version the first is kept.

    Forecasts of links that do not exist (any more) are dropped. A link is due where a forecast is
    stored after the samples that it waits for.
    """
    links = lock_links(connection, [forecast.link_id for forecast in forecasts])
    kept = [forecast for forecast in forecasts if forecast.link_id in links]
    if not kept:
        return
    versions = version_ids(connection, [forecast.version for forecast in kept])
    rows = [_row(links[one.link_id].id, versions[one.version], one) for one in kept]
    rows.sort(key=lambda row: (row["link"], row["after_us"], row["arm"], row["version"]))
    connection.execute(insert_into(connection, table).on_conflict_do_nothing(), rows)
    newest_us = {link.id: link.newest_us for link in links.values()}
    behind = {row["link"] for row in rows if row["after_us"] < newest_us[row["link"]]}
    mark_due(connection, behind, now_us)


def _row(link: int, version: int, forecast: StoredForecast) -> dict[str, Any]:
    return {
        "link": link,
        "after_us": to_micros(forecast.after_s),
        "arm": ARMS.index(forecast.arm),
        "version": version,
        "created_us": to_micros(forecast.created_s),
        "mode": MODES.index(NetworkMode(forecast.mode)),
        "source": SOURCES.index(forecast.source),
        "served": forecast.served,
        "open": True,
        "step_s": forecast.step_s,
        "took_ms": forecast.took_ms,
        "body": pack(forecast.prediction),
    }
