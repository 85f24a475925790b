"""Deltas are added to the sums of their minutes, and those of outcomes to the sums of all time.

A delta is deleted by the transaction that adds it: none counts twice, none is lost. The work is the
database's: no time passes between statements in which another writer would wait.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Insert,
    Table,
    case,
    delete,
    func,
    literal_column,
    select,
)

from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.store.report_tables import (
    HOUR_US,
    hour_pair_aggregates,
    latency_deltas,
    minute_latencies,
    pair_aggregates,
    pair_deltas,
)
from pba.store.statements import insert_into
from pba.store.tables import aggregate_deltas, aggregates, minute_aggregates, versions

__all__ = ["coded_names", "fold_deltas"]

_MAXIMA = frozenset({"most_ms", "newest_us"})

_Addition = Callable[[Connection, FromClause], Insert]


def fold_deltas(connection: Connection, limit: int) -> int:
    """Add up to ``limit`` deltas of each kind to the sums; return how many were added."""
    kinds: tuple[tuple[Table, tuple[_Addition, ...]], ...] = (
        (aggregate_deltas, (_add_to(minute_aggregates), _add_to_aggregates)),
        (pair_deltas, (_add_to(pair_aggregates), _add_to_hours)),
        (latency_deltas, (_add_to(minute_latencies),)),
    )
    fold = _fold_at_once if connection.dialect.name == "postgresql" else _fold_alone
    return sum(fold(connection, deltas, additions, limit) for deltas, additions in kinds)


def coded_names(names: Sequence[str], code: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the name that a code of `pba.scoring.codes` stands for, as an expression of SQL."""
    return case({at: str(name) for at, name in enumerate(names)}, value=code)


def _fold_at_once(
    connection: Connection, deltas: Table, additions: Sequence[_Addition], limit: int
) -> int:
    """Fold in one statement, so that what others append or fold meanwhile is left alone."""
    oldest = select(deltas.c.id).order_by(deltas.c.id).limit(limit)
    oldest = oldest.with_for_update(skip_locked=True)
    gone = delete(deltas).where(deltas.c.id.in_(oldest)).returning(*deltas.c).cte("gone")
    parts = [addition(connection, gone).cte(f"part_{at}") for at, addition in enumerate(additions)]
    count = select(func.count()).select_from(gone).add_cte(*parts)
    return int(connection.execute(count).scalar_one())


def _fold_alone(
    connection: Connection, deltas: Table, additions: Sequence[_Addition], limit: int
) -> int:
    """Fold where nobody else writes: SQLite."""
    oldest = select(deltas.c.id).order_by(deltas.c.id).limit(limit).subquery()
    bounds = select(func.count(), func.max(oldest.c.id)).select_from(oldest)
    count, last = connection.execute(bounds).one()
    if count:
        chosen = select(deltas).where(deltas.c.id <= last).subquery("chosen")
        for addition in additions:
            connection.execute(addition(connection, chosen))
        connection.execute(delete(deltas).where(deltas.c.id <= last))
    return int(count)


def _add_to(table: Table) -> _Addition:
    """Return what adds deltas to a table whose key is in them by the same names."""

    def addition(connection: Connection, source: FromClause) -> Insert:
        keys = [source.c[column.name] for column in table.primary_key.columns]
        return _upsert(connection, table, source, keys, source)

    return addition


def _add_to_hours(connection: Connection, source: FromClause) -> Insert:
    """Add deltas of pairs to the sums by hour."""
    hour_us = literal_column(str(HOUR_US), BigInteger)
    keys = [source.c.from_us // hour_us * hour_us, source.c.mode]
    return _upsert(connection, hour_pair_aggregates, source, keys, source)


def _add_to_aggregates(connection: Connection, source: FromClause) -> Insert:
    """Add deltas to the sums of all time, whose keys are names."""
    keys = [
        coded_names(MODES, source.c.mode),
        coded_names(SOURCES, source.c.source),
        versions.c.name,
        coded_names(ARMS, source.c.arm),
        source.c.served,
        source.c.steps,
    ]
    joined = source.join(versions, versions.c.id == source.c.version)
    return _upsert(connection, aggregates, source, keys, joined)


def _upsert(
    connection: Connection,
    table: Table,
    source: FromClause,
    keys: Sequence[ColumnElement[Any]],
    joined: FromClause,
) -> Insert:
    """Return the statement that adds sums of ``source``, by ``keys``, to the rows of ``table``."""
    names = [column.name for column in table.c if not column.primary_key]
    values = [_combined(source, name) for name in names]
    # In one order, so that two that fold at once cannot wait for each other.
    query = select(*keys, *values).select_from(joined).group_by(*keys).order_by(*keys)
    columns = [column.name for column in table.primary_key.columns] + names
    insert = insert_into(connection, table).from_select(columns, query)
    new = {name: _added(table.c[name], insert.excluded[name]) for name in names}
    statement: Insert = insert.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_=new
    )
    return statement


def _combined(source: FromClause, name: str) -> ColumnElement[Any]:
    return func.max(source.c[name]) if name in _MAXIMA else func.sum(source.c[name])


def _added(before: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    if before.name in _MAXIMA:
        return case((before > new, before), else_=new)
    return before + new
