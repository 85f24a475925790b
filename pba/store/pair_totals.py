"""Sums over pairs of forecasts since a moment, by mode."""

from sqlalchemy import Connection, and_, func, select, union_all

from pba.store.report_tables import (
    HOUR_US,
    PAIR_SUMS,
    hour_pair_aggregates,
    pair_aggregates,
    pair_deltas,
)

__all__ = ["next_hour_us", "pair_totals"]


def next_hour_us(since_us: int) -> int:
    """Return the start of the first whole hour from ``since_us`` on."""
    return -(-since_us // HOUR_US) * HOUR_US


def pair_totals(connection: Connection, since_us: int) -> dict[int, dict[str, float]]:
    """Return the sums over the pairs of periods that start at ``since_us`` or later, by mode.

    They are those of `hour_pair_aggregates`, of `pair_aggregates` for the hour in which the time
    starts, and of the deltas that are not added to them yet.
    """
    hour_us = next_hour_us(since_us)
    minutes, hours, deltas = pair_aggregates.c, hour_pair_aggregates.c, pair_deltas.c
    parts = [
        select(columns.mode, *(columns[name] for name in PAIR_SUMS)).where(of_period)
        for columns, of_period in (
            (minutes, and_(minutes.from_us >= since_us, minutes.from_us < hour_us)),
            (hours, hours.hour_us >= hour_us),
            (deltas, deltas.from_us >= since_us),
        )
    ]
    both = union_all(*parts).subquery()
    sums = [func.sum(both.c[name]).label(name) for name in PAIR_SUMS]
    rows = connection.execute(select(both.c.mode, *sums).group_by(both.c.mode)).mappings()
    return {row["mode"]: {name: row[name] for name in PAIR_SUMS} for row in rows}
