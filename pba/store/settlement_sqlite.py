"""Writing what was scored to SQLite, where writers take turns and claims are not written."""

import json

import numpy as np
from sqlalchemy import Connection

from pba.scoring.forecast_body import MEMBERS_BYTES
from pba.store.driver_rows import driver_rows
from pba.store.settlement_rows import Columns, SettlementRows
from pba.store.statements import insert_into
from pba.store.tables import ACTUALS
from pba.store.verdict_tables import ADD_TO_LINK_SUM

__all__ = ["write_rows"]

_FORECAST_KEY = ("link", "after_us", "arm", "version")
_UNCHANGED = """
    SELECT json_extract(k.value, '$[0]') FROM json_each(:records) AS k JOIN links AS l
    ON l.id = json_extract(k.value, '$[0]') LEFT JOIN link_records AS r ON r.link = l.id
    WHERE coalesce(r.generation, -1) = json_extract(k.value, '$[1]')
"""
_RECORD_COLUMNS = (
    "link",
    "generation",
    "body",
    "drift",
    "alarm",
    "accuracy_permille",
    "drift_size",
)
_RECORD = f"""
    INSERT INTO link_records ({", ".join(_RECORD_COLUMNS)}) VALUES (?, ? + 1, ?, ?, ?, ?, ?)
    ON CONFLICT (link) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _RECORD_COLUMNS[1:])}
"""
_KEY = "WHERE link = ? AND after_us = ? AND arm = ? AND version = ?"
_SAME = "link, after_us, created_us, version, step_s, took_ms, arm, mode, source, served"
_KNOWN = [f"coalesce(?, {name})" for name in ACTUALS]
_SET = ", ".join(f"{name} = {known}" for name, known in zip(ACTUALS, _KNOWN, strict=True))
_FORECAST = f"UPDATE open_forecasts SET {_SET} {_KEY}"
_LOG = f"""
    INSERT INTO forecast_log ({", ".join(ACTUALS)}, {_SAME}, body)
    SELECT {", ".join(_KNOWN)}, {_SAME}, substr(body, 1, length(body) - {MEMBERS_BYTES})
    FROM open_forecasts {_KEY}
        ON CONFLICT DO NOTHING
"""
_CLOSED = f"DELETE FROM open_forecasts {_KEY}"
_LINK_SUMS = f"""
    INSERT INTO link_pair_sums AS s (link, mode, since_us, net) VALUES (?, ?, ?, ?)
    {ADD_TO_LINK_SUM}
"""
_DUE = "DELETE FROM due_links WHERE link = ? AND since_us = ? AND generation = ?"


def write_rows(connection: Connection, rows: SettlementRows) -> set[int]:
    """Write all rows if all records are as they were read; return the links of those that are."""
    keys = zip(rows.records["link"], rows.records["generation"], strict=True)
    parameters = {"records": json.dumps(list(keys))}
    unchanged = {link for (link,) in driver_rows(connection, _UNCHANGED, parameters)}
    if len(unchanged) < len(rows.records["link"]):
        return unchanged
    _execute(connection, _RECORD, rows.records, *_RECORD_COLUMNS)
    _execute(connection, _FORECAST, rows.forecasts, *ACTUALS, *_FORECAST_KEY)
    _execute(connection, _LOG, rows.closed, *ACTUALS, *_FORECAST_KEY)
    _execute(connection, _CLOSED, rows.closed, *_FORECAST_KEY)
    for table, new in rows.inserts:
        if new:
            connection.execute(insert_into(connection, table).on_conflict_do_nothing(), new)
    _execute(connection, _LINK_SUMS, rows.link_sums, "link", "mode", "since_us", "net")
    finished = np.flatnonzero(rows.due["finished"]).tolist()
    due = {name: [column[at] for at in finished] for name, column in rows.due.items()}
    _execute(connection, _DUE, due, "link", "since_us", "generation")
    return unchanged


def _execute(connection: Connection, statement: str, columns: Columns, *names: str) -> None:
    rows = list(zip(*(columns[name] for name in names), strict=True))
    if rows:
        connection.exec_driver_sql(statement, rows)
