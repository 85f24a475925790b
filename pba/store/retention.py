"""Deleting rows that are older than the retention, in small transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    column,
    delete,
    insert,
    select,
    table,
    tuple_,
)

from pba.store.old_tables import old_forecasts, old_outcomes, old_records
from pba.store.tables import (
    deleted_links,
    due_links,
    forecasts,
    links,
    open_forecasts,
    pair_results,
    records,
    samples,
)
from pba.store.transfer_tables import link_transfers, open_transfers
from pba.store.verdict_tables import link_pair_sums

__all__ = [
    "LinkRows",
    "delete_deleted",
    "delete_link",
    "delete_old_rows",
    "delete_silent",
    "delete_some",
    "links_with_old_rows",
    "silent_links",
]

_END_OF_TIME_US = 2**62
_LINKS = 50  # in one transaction


@dataclass(frozen=True, slots=True)
class LinkRows:
    """A table or partition with rows of links: its name, and the column of the rows' time."""

    name: str
    time_us: str

    @property
    def table(self) -> Any:
        """The table, as far as rows are deleted from it."""
        return table(self.name, column("link", BigInteger), column(self.time_us, BigInteger))


_ROWS = (
    LinkRows(samples.name, "at_us"),
    LinkRows(open_forecasts.name, "after_us"),
    LinkRows(forecasts.name, "after_us"),
    LinkRows(pair_results.name, "after_us"),
    LinkRows(old_forecasts.name, "after_us"),
    LinkRows(old_outcomes.name, "at_us"),
)
_SINGLE_ROWS = (due_links, records, old_records, link_pair_sums, open_transfers, link_transfers)


def delete_link(connection: Connection, link_id: str) -> bool:
    """Delete a link for all callers; return whether it existed.

    Its rows are deleted later, by `delete_deleted`. A link that comes back under the name has
    another key, so nothing of it is deleted.
    """
    removed = delete(links).where(links.c.link_id == link_id).returning(links.c.id)
    key = connection.execute(removed).scalar()
    if key is None:
        return False
    _note_deleted(connection, [key])
    return True


def _note_deleted(connection: Connection, keys: Sequence[int]) -> None:
    connection.execute(insert(deleted_links), [{"link": key} for key in keys])
    for single in _SINGLE_ROWS:
        connection.execute(delete(single).where(single.c.link.in_(keys)))


def silent_links(connection: Connection, before_us: int, after: int, count: int) -> list[int]:
    """Return up to ``count`` keys above ``after`` of links without a report since ``before_us``."""
    query = select(links.c.id).where(links.c.id > after, links.c.heard_us < before_us)
    return list(connection.execute(query.order_by(links.c.id).limit(count)).scalars())


def delete_silent(connection: Connection, keys: Sequence[int], before_us: int) -> None:
    """Delete those links that are still without a report since ``before_us``.

    A link that somebody writes to is left out instead of waited for: two that wait for each other
    would be a deadlock.
    """
    silent = select(links.c.id).where(links.c.id.in_(keys), links.c.heard_us < before_us)
    free = silent.with_for_update(skip_locked=True)
    removed = delete(links).where(links.c.id.in_(free)).returning(links.c.id)
    if gone := list(connection.execute(removed).scalars()):
        _note_deleted(connection, gone)


def delete_deleted(connection: Connection, count: int) -> bool:
    """Delete about ``count`` rows of links that are gone; return whether there were any."""
    keys = list(connection.execute(select(deleted_links.c.link).limit(_LINKS)).scalars())
    budget = count
    for key in keys:
        for rows in _ROWS:
            budget -= _delete_oldest(connection, rows, key, _END_OF_TIME_US, budget)
            if budget <= 0:
                return True
        for single in (*_SINGLE_ROWS, deleted_links):
            connection.execute(delete(single).where(single.c.link == key))
    return bool(keys)


def links_with_old_rows(
    connection: Connection,
    rows: LinkRows,
    retention_us: int,
    since_us: int,
    after: int,
    count: int,
) -> list[int]:
    """Return links that have rows older than their newest sample by more than the retention.

    Only links with a report since ``since_us`` are looked at, each by one probe of the key: of
    others nothing has become old.

    Returns
    -------
    list of int
        Up to ``count`` keys above ``after``, increasing.
    """
    own = rows.table
    oldest = select(own.c[rows.time_us]).where(own.c.link == links.c.id)
    oldest = oldest.order_by(own.c[rows.time_us]).limit(1).correlate(links)
    query = select(links.c.id).where(links.c.id > after, links.c.heard_us >= since_us)
    query = query.where(oldest.scalar_subquery() < links.c.newest_us - retention_us)
    return list(connection.execute(query.order_by(links.c.id).limit(count)).scalars())


def delete_old_rows(
    connection: Connection, rows: LinkRows, retention_us: int, keys: Sequence[int], count: int
) -> bool:
    """Delete about ``count`` of the old rows of these links; return whether that is all."""
    query = select(links.c.id, links.c.newest_us).where(links.c.id.in_(keys))
    for key, newest_us in connection.execute(query.order_by(links.c.id)).all():
        count -= _delete_oldest(connection, rows, key, newest_us - retention_us, count)
        if count <= 0:
            return False
    return True


def _delete_oldest(
    connection: Connection, rows: LinkRows, key: int, before_us: int, count: int
) -> int:
    """Delete up to ``count`` rows of one link, or a few more; return how many were deleted."""
    own = rows.table
    time_us = own.c[rows.time_us]
    old: ColumnElement[bool] = (own.c.link == key) & (time_us < before_us)
    query = select(time_us).where(old).order_by(time_us).offset(count).limit(1)
    until = connection.execute(query).scalar()
    if until is not None:
        old &= time_us <= until
    return int(connection.execute(delete(own).where(old)).rowcount)


def delete_some(
    connection: Connection,
    old_table: Table,
    time_us: ColumnElement[int],
    before_us: int,
    count: int,
    kept: ColumnElement[bool] | None = None,
) -> bool:
    """Delete up to ``count`` rows from before ``before_us``; return whether more may follow.

    ``time_us`` is the first column of an index. Rows that are ``kept`` stay whatever their time.
    """
    key = tuple_(*old_table.primary_key.columns)
    chosen = select(*old_table.primary_key.columns).where(time_us < before_us)
    if kept is not None:
        chosen = chosen.where(~kept)
    chosen = chosen.order_by(time_us).limit(count)
    return int(connection.execute(delete(old_table).where(key.in_(chosen))).rowcount) == count
