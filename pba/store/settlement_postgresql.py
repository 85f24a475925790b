"""Writing what was scored to PostgreSQL: each statement writes the rows of a batch.

Rows of `due_links` are locked in the order of their keys, as by reporters.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.exc import DBAPIError

from pba.scoring.forecast_body import MEMBERS_BYTES
from pba.store.settlement_rows import Columns, SettlementRows
from pba.store.tables import ACTUALS
from pba.store.verdict_tables import ADD_TO_LINK_SUM

__all__ = ["write_rows"]

_RECORDS = """
    WITH g AS (
        SELECT * FROM unnest(%(link)b::bigint[], %(generation)b::int[], %(body)b::bytea[],
                             %(drift)b::bytea[], %(alarm)b::bool[],
                             %(accuracy_permille)b::smallint[], %(drift_size)b::float8[])
        AS given (link, generation, body, drift, alarm, accuracy_permille, drift_size)
    ), updated AS (
        UPDATE link_records AS r SET generation = r.generation + 1, body = g.body,
        drift = g.drift, alarm = g.alarm, accuracy_permille = g.accuracy_permille,
        drift_size = g.drift_size FROM g
        WHERE r.link = g.link AND r.generation = g.generation RETURNING r.link
    ), present AS (
        -- A link that is deleted at this moment gets no record that would remain.
        SELECT l.id FROM links AS l JOIN g ON g.link = l.id WHERE g.generation < 0
        ORDER BY l.id FOR KEY SHARE OF l
    ), inserted AS (
        INSERT INTO link_records (link, generation, body, drift, alarm, accuracy_permille,
                                  drift_size)
        SELECT g.link, 0, g.body, g.drift, g.alarm, g.accuracy_permille, g.drift_size
        FROM g JOIN present ON present.id = g.link
        ON CONFLICT DO NOTHING RETURNING link
    )
    SELECT link FROM updated UNION ALL SELECT link FROM inserted
"""
_NAMES = ", ".join(ACTUALS)
_KNOWN = [f"coalesce(g.{name}, f.{name})" for name in ACTUALS]
_GIVEN = f"""
    unnest(%(link)b::bigint[], %(after_us)b::bigint[], %(arm)b::smallint[], %(version)b::int[],
           {", ".join(f"%({name})b::real[]" for name in ACTUALS)})
    AS g (link, after_us, arm, version, {_NAMES})
    WHERE f.link = g.link AND f.after_us = g.after_us AND f.arm = g.arm AND f.version = g.version
"""
_SET = ", ".join(f"{name} = {known}" for name, known in zip(ACTUALS, _KNOWN, strict=True))
_FORECASTS = f"UPDATE open_forecasts AS f SET {_SET} FROM {_GIVEN}"
_CLOSED = f"""
    WITH closed AS (
        DELETE FROM open_forecasts AS f USING {_GIVEN}
        RETURNING f.link, f.after_us, f.created_us, f.version, f.step_s, f.took_ms, f.arm, f.mode,
                  f.source, f.served, substr(f.body, 1, length(f.body) - {MEMBERS_BYTES}),
                  {", ".join(_KNOWN)}
    )
    INSERT INTO forecast_log (link, after_us, created_us, version, step_s, took_ms, arm, mode,
                              source, served, body, {_NAMES})
    SELECT * FROM closed ON CONFLICT DO NOTHING
"""
_LINK_SUMS = f"""
    INSERT INTO link_pair_sums AS s (link, mode, since_us, net)
    SELECT * FROM unnest(%(link)b::bigint[], %(mode)b::smallint[], %(since_us)b::bigint[],
                         %(net)b::int[])
    {ADD_TO_LINK_SUM}
"""
_DUE = """
    WITH mine AS (
        SELECT d.link, g.finished AND d.generation = g.generation AND d.since_us = g.since_us
        AS finished
        FROM unnest(%(link)b::bigint[], %(since_us)b::bigint[], %(generation)b::int[],
                    %(finished)b::bool[]) AS g (link, since_us, generation, finished)
        JOIN due_links AS d ON d.link = g.link WHERE d.claimed_us = %(until)s
        ORDER BY d.link FOR UPDATE OF d
    ), removed AS (
        DELETE FROM due_links AS d USING mine WHERE mine.finished AND d.link = mine.link
    )
    UPDATE due_links AS d SET claimed_us = 0 FROM mine
    WHERE NOT mine.finished AND d.link = mine.link
"""


def write_rows(connection: Connection, rows: SettlementRows) -> set[int]:
    """Write all rows; return the links whose record was as it was read.

    The statements are sent together: no lock waits for Python or the network between them.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        As SQLAlchemy does where it runs the statements itself.
    """
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi.Error
    try:
        with driver.pipeline():
            records = driver.execute(_RECORDS, rows.records)
            for statement, given in (
                (_FORECASTS, rows.forecasts),
                (_CLOSED, rows.closed),
                (_LINK_SUMS, rows.link_sums),
            ):
                if given["link"]:
                    driver.execute(statement, given)
            for table, new in rows.inserts:
                if new:
                    driver.execute(_insert(connection.dialect, table, tuple(new[0])), _columns(new))
            # Last: reporters wait for these.
            driver.execute(_DUE, rows.due | {"until": rows.until_us})
        return {link for (link,) in records.fetchall()}
    except errors as error:
        raise DBAPIError.instance(None, None, error, errors) from error


def _columns(rows: Sequence[Mapping[str, Any]]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]}


@lru_cache
def _insert(dialect: Dialect, table: Table, names: tuple[str, ...]) -> str:
    """Return the statement that inserts rows which lie in an array a column."""
    arrays = (f"%({name})b::{table.c[name].type.compile(dialect)}[]" for name in names)
    return (
        f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({', '.join(arrays)}) "
        "ON CONFLICT DO NOTHING"
    )
