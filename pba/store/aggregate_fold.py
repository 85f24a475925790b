"""Deltas are added to the sums of their minutes, and those of outcomes to the sums of all time.

A delta is deleted by the transaction that adds it: none counts twice, none is lost. The statements
are written once, before any transaction: no time passes in which another writer would wait.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnElement,
    Dialect,
    FromClause,
    Insert,
    Table,
    case,
    delete,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.store.aggregate_tables import (
    aggregate_deltas,
    aggregates,
    hour_aggregates,
    minute_aggregates,
)
from pba.store.executor import Executor, SetStatement
from pba.store.report_tables import (
    HOUR_US,
    group_deltas,
    hour_groups,
    hour_latencies,
    hour_pair_aggregates,
    hours_since,
    latency_deltas,
    minute_groups,
    minute_latencies,
    pair_aggregates,
    pair_deltas,
)
from pba.store.tables import versions

__all__ = ["coded_names", "fold_deltas", "fold_statements"]

_MAXIMA = frozenset({"most_ms", "newest_us"})
_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_SQLITE: Dialect = sqlite.dialect()

_Addition = Callable[[Dialect, FromClause], Insert]


def fold_deltas(executor: Executor, statements: Sequence[SetStatement]) -> int:
    """Add deltas of each kind to the sums by `fold_statements`; return how many were added."""
    counts = executor.write([(statement, ()) for statement in statements])
    return sum(int(count) for rows in counts for (count,) in rows)


def coded_names(names: Sequence[str], code: ColumnElement[Any]) -> ColumnElement[str]:
    """Return the name that a code of `pba.scoring.codes` stands for, as an expression of SQL."""
    return case({at: str(name) for at, name in enumerate(names)}, value=code)


@cache
def fold_statements(limit: int) -> tuple[SetStatement, ...]:
    """Return what adds up to ``limit`` deltas of each kind, of which the first returns how many."""
    kinds: tuple[tuple[Table, tuple[_Addition, ...]], ...] = (
        (
            aggregate_deltas,
            (_add_to(minute_aggregates), _add_hours(hour_aggregates), _add_to_aggregates),
        ),
        (pair_deltas, (_add_to(pair_aggregates), _add_to_pair_hours)),
        (latency_deltas, (_add_to(minute_latencies), _add_hours(hour_latencies))),
        (group_deltas, (_add_to(minute_groups), _add_hours(hour_groups))),
    )
    return tuple(
        statement
        for deltas, additions in kinds
        for statement in _kind_statements(deltas, additions, limit)
    )


def _kind_statements(
    deltas: Table, additions: Sequence[_Addition], limit: int
) -> list[SetStatement]:
    """Return one statement for PostgreSQL, and several for SQLite, where nobody else writes."""
    oldest = select(deltas.c.id).order_by(deltas.c.id).limit(limit).subquery()
    chosen = deltas.c.id <= select(func.max(oldest.c.id)).scalar_subquery()
    source = select(deltas).where(chosen).subquery("chosen")
    return [
        SetStatement(
            postgresql=_text(_POSTGRESQL, _fold_at_once(deltas, additions, limit)),
            sqlite=_text(_SQLITE, select(func.count()).select_from(oldest)),
        ),
        *(SetStatement(sqlite=_text(_SQLITE, add(_SQLITE, source))) for add in additions),
        SetStatement(sqlite=_text(_SQLITE, delete(deltas).where(chosen))),
    ]


def _fold_at_once(deltas: Table, additions: Sequence[_Addition], limit: int) -> ClauseElement:
    """Return what folds at once, so that what others append or fold meanwhile is left alone."""
    oldest = select(deltas.c.id).order_by(deltas.c.id).limit(limit)
    oldest = oldest.with_for_update(skip_locked=True)
    gone = delete(deltas).where(deltas.c.id.in_(oldest)).returning(*deltas.c).cte("gone")
    parts = [addition(_POSTGRESQL, gone).cte(f"part_{at}") for at, addition in enumerate(additions)]
    return select(func.count()).select_from(gone).add_cte(*parts)


def _text(dialect: Dialect, statement: ClauseElement) -> str:
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _add_to(table: Table) -> _Addition:
    """Return what adds deltas to a table whose key is in them by the same names."""

    def addition(dialect: Dialect, source: FromClause) -> Insert:
        keys = [source.c[column.name] for column in table.primary_key.columns]
        return _upsert(dialect, table, source, keys, source)

    return addition


def _add_hours(table: Table) -> _Addition:
    """Return what adds deltas of minutes to a table of sums by hour, as far as it has that hour."""

    def addition(dialect: Dialect, source: FromClause) -> Insert:
        hour_us = literal_column(str(HOUR_US), BigInteger)
        hour = source.c.minute_us // hour_us * hour_us
        names = [column.name for column in table.primary_key.columns]
        keys = [hour if name == "hour_us" else source.c[name] for name in names]
        since_us = select(hours_since.c.since_us).scalar_subquery()
        return _upsert(dialect, table, source, keys, source, source.c.minute_us >= since_us)

    return addition


def _add_to_pair_hours(dialect: Dialect, source: FromClause) -> Insert:
    """Add deltas of pairs to the sums by hour."""
    hour_us = literal_column(str(HOUR_US), BigInteger)
    keys = [source.c.from_us // hour_us * hour_us, source.c.mode]
    return _upsert(dialect, hour_pair_aggregates, source, keys, source)


def _add_to_aggregates(dialect: Dialect, source: FromClause) -> Insert:
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
    return _upsert(dialect, aggregates, source, keys, joined)


def _upsert(
    dialect: Dialect,
    table: Table,
    source: FromClause,
    keys: Sequence[ColumnElement[Any]],
    joined: FromClause,
    counted: ColumnElement[bool] | None = None,
) -> Insert:
    """Return the statement that adds sums of ``source``, by ``keys``, to the rows of ``table``.

    ``counted`` says of which rows of it; of all without.
    """
    names = [column.name for column in table.c if not column.primary_key]
    values = [_combined(source, name) for name in names]
    # In one order, so that two that fold at once cannot wait for each other.
    query = (
        select(*keys, *values)
        .select_from(joined)
        .where(true() if counted is None else counted)
        .group_by(*keys)
        .order_by(*keys)
    )
    columns = [column.name for column in table.primary_key.columns] + names
    kinds = postgresql if dialect is _POSTGRESQL else sqlite
    insert: Any = kinds.insert(table).from_select(columns, query)
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
