"""The statements of `pba.store.settlement_writes` on PostgreSQL: each writes the rows of a batch.

Rows are locked in the order of their keys.
"""

from typing import Any

from sqlalchemy import Connection

from pba.store.driver_rows import driver_rows

__all__ = ["write_due", "write_forecasts", "write_records"]

Columns = dict[str, list[Any]]

_RECORDS = """
    WITH g AS (
        SELECT * FROM unnest(%(link)s::bigint[], %(generation)s::int[], %(body)b::bytea[],
                             %(drift)b::bytea[], %(alarm)s::bool[])
        AS given (link, generation, body, drift, alarm)
    ), updated AS (
        UPDATE link_records AS r SET generation = r.generation + 1, body = g.body,
        drift = g.drift, alarm = g.alarm FROM g
        WHERE r.link = g.link AND r.generation = g.generation RETURNING r.link
    ), present AS (
        -- A link that is deleted at this moment gets no record that would remain.
        SELECT l.id FROM links AS l JOIN g ON g.link = l.id WHERE g.generation < 0
        ORDER BY l.id FOR KEY SHARE OF l
    ), inserted AS (
        INSERT INTO link_records (link, generation, body, drift, alarm)
        SELECT g.link, 0, g.body, g.drift, g.alarm FROM g JOIN present ON present.id = g.link
        ON CONFLICT DO NOTHING RETURNING link
    )
    SELECT link FROM updated UNION ALL SELECT link FROM inserted
"""
_FORECASTS = """
    UPDATE forecast_log AS f SET actual_1_mbps = coalesce(g.actual_1_mbps, f.actual_1_mbps),
    actual_5_mbps = coalesce(g.actual_5_mbps, f.actual_5_mbps),
    actual_15_mbps = coalesce(g.actual_15_mbps, f.actual_15_mbps), open = g.open
    FROM unnest(%(link)s::bigint[], %(after_us)s::bigint[], %(arm)s::smallint[],
                %(version)s::int[], %(actual_1_mbps)s::real[], %(actual_5_mbps)s::real[],
                %(actual_15_mbps)s::real[], %(open)s::bool[])
    AS g (link, after_us, arm, version, actual_1_mbps, actual_5_mbps, actual_15_mbps, open)
    WHERE f.link = g.link AND f.after_us = g.after_us AND f.arm = g.arm AND f.version = g.version
"""
_DUE = """
    WITH mine AS (
        SELECT d.link, g.finished AND d.generation = g.generation AND d.since_us = g.since_us
        AS finished
        FROM unnest(%(link)s::bigint[], %(since_us)s::bigint[], %(generation)s::int[],
                    %(finished)s::bool[]) AS g (link, since_us, generation, finished)
        JOIN due_links AS d ON d.link = g.link WHERE d.claimed_us = %(until)s
        ORDER BY d.link FOR UPDATE OF d
    ), removed AS (
        DELETE FROM due_links AS d USING mine WHERE mine.finished AND d.link = mine.link
    )
    UPDATE due_links AS d SET claimed_us = 0 FROM mine
    WHERE NOT mine.finished AND d.link = mine.link
"""


def write_records(connection: Connection, records: Columns) -> set[int]:
    """Write the records that are as they were read; return the links of these."""
    return {link for (link,) in driver_rows(connection, _RECORDS, records)}


def write_forecasts(connection: Connection, forecasts: Columns) -> None:
    """Write new actuals."""
    connection.exec_driver_sql(_FORECASTS, forecasts)


def write_due(connection: Connection, due: Columns, until_us: int) -> None:
    """Remove the links that are finished and have no newer sample, and give the others back."""
    connection.exec_driver_sql(_DUE, due | {"until": until_us})
