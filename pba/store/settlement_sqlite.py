"""The statements of `pba.store.settlement_writes` on SQLite, where writers take turns."""

import json
from typing import Any

from sqlalchemy import Connection

from pba.store.driver_rows import driver_rows

__all__ = ["write_due", "write_forecasts", "write_records"]

Columns = dict[str, list[Any]]

_UNCHANGED = """
    SELECT json_extract(k.value, '$[0]') FROM json_each(:records) AS k JOIN links AS l
    ON l.id = json_extract(k.value, '$[0]') LEFT JOIN link_records AS r ON r.link = l.id
    WHERE coalesce(r.generation, -1) = json_extract(k.value, '$[1]')
"""
_RECORD = """
    INSERT INTO link_records (link, generation, body, drift, alarm) VALUES (?, ? + 1, ?, ?, ?)
    ON CONFLICT (link) DO UPDATE SET generation = excluded.generation, body = excluded.body,
    drift = excluded.drift, alarm = excluded.alarm
"""
_FORECAST = """
    UPDATE forecast_log SET actual_1_mbps = coalesce(?, actual_1_mbps),
    actual_5_mbps = coalesce(?, actual_5_mbps), actual_15_mbps = coalesce(?, actual_15_mbps),
    "open" = ? WHERE link = ? AND after_us = ? AND arm = ? AND version = ?
"""
_DUE = "DELETE FROM due_links WHERE link = ? AND since_us = ? AND generation = ?"


def write_records(connection: Connection, records: Columns) -> set[int]:
    """Write the records of all links if they are as they were read; return those that are."""
    given = json.dumps(list(zip(records["link"], records["generation"], strict=True)))
    unchanged = {link for (link,) in driver_rows(connection, _UNCHANGED, {"records": given})}
    if len(unchanged) == len(records["link"]):
        _execute(connection, _RECORD, records, "link", "generation", "body", "drift", "alarm")
    return unchanged


def write_forecasts(connection: Connection, forecasts: Columns) -> None:
    """Write new actuals."""
    actuals = ("actual_1_mbps", "actual_5_mbps", "actual_15_mbps")
    key = ("link", "after_us", "arm", "version")
    _execute(connection, _FORECAST, forecasts, *actuals, "open", *key)


def write_due(connection: Connection, due: Columns, until_us: int) -> None:
    """Remove the links that are finished and have no newer sample; claims are not written."""
    finished = due["finished"]
    rows = {name: [v for v, done in zip(due[name], finished, strict=True) if done] for name in due}
    _execute(connection, _DUE, rows, "link", "since_us", "generation")


def _execute(connection: Connection, statement: str, columns: Columns, *names: str) -> None:
    rows = list(zip(*(columns[name] for name in names), strict=True))
    if rows:
        connection.exec_driver_sql(statement, rows)
