"""Reading links: their state, record and last samples."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select, tuple_

from pba.errors import InvalidInput, quoted
from pba.forecasting.link_record import LinkRecord
from pba.security import EVERYTHING, Scope
from pba.store.old_tables import old_records
from pba.store.scope_filter import in_scope
from pba.store.statements import chunks
from pba.store.tables import links, records
from pba.store.transfer_scores import sums_of
from pba.store.transfer_tables import SUMS, link_transfers
from pba.store.values import LinkState
from pba.telemetry.link_mode import LinkMode
from pba.types import NetworkMode

__all__ = [
    "any_link",
    "count_links",
    "existing_links",
    "link_cursor",
    "link_mode",
    "link_state",
    "link_states",
    "record_of",
]

_WITH_RECORDS = select(
    links,
    records.c.body.label("packed"),
    old_records.c.body.label("old"),
    *(link_transfers.c[name] for name in SUMS),
).select_from(
    links.outerjoin(records, records.c.link == links.c.id)
    .outerjoin(old_records, old_records.c.link == links.c.id)
    .outerjoin(link_transfers, link_transfers.c.link == links.c.id)
)
_BY_NAME = _WITH_RECORDS.where(links.c.link_id.in_(bindparam("names", expanding=True)))


_LONGEST_NAME, _LONGEST_TIME = 200, 18


def link_mode(row: Row[Any]) -> LinkMode:
    """Return the mode in a row of the table `links`."""
    return LinkMode(
        mode=NetworkMode(row.mode) if row.mode else None,
        since_us=row.mode_since_us,
        candidate=NetworkMode(row.candidate) if row.candidate else None,
        checked_us=row.checked_us,
        switches=row.switches,
    )


def any_link(connection: Connection) -> bool:
    """Return whether there is any link; a query that checks the database responds."""
    return connection.execute(select(links.c.id).limit(1)).scalar() is not None


def existing_links(connection: Connection, link_ids: Sequence[str]) -> set[str]:
    """Return those of ``link_ids`` that are links."""
    names: set[str] = set()
    for chunk in chunks(link_ids):
        query = select(links.c.link_id).where(links.c.link_id.in_(chunk))
        names.update(connection.execute(query).scalars())
    return names


def count_links(connection: Connection, scope: Scope, most: int) -> int:
    """Return how many links ``scope`` has, counting no further than ``most``."""
    query = select(links.c.id)
    if not scope.everything:
        query = query.where(in_scope(links.c.link_id, scope))
    some = query.limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def link_state(connection: Connection, link_id: str) -> LinkState | None:
    """Return a link's state, None where it does not exist."""
    row = connection.execute(_BY_NAME, {"names": [link_id]}).one_or_none()
    return None if row is None else _state(row)


def link_states(
    connection: Connection,
    mode: NetworkMode | None,
    after: str,
    count: int,
    scope: Scope = EVERYTHING,
    search: str = "",
    sort: str = "name",
) -> list[LinkState]:
    """Return up to ``count`` links of ``scope``, those after the link with the cursor ``after``.

    Parameters
    ----------
    search
        Only names that have this in them, whatever its case.
    sort
        ``name``, or ``silent`` for those first that have not reported for longest.
    """
    query = select(links.c.id).where(*_after(after, sort))
    if search:
        query = query.where(func.lower(links.c.link_id).contains(search.lower(), autoescape=True))
    if mode is not None:
        query = query.where(links.c.mode == mode.value)
    if not scope.everything:
        query = query.where(in_scope(links.c.link_id, scope))
    order = [links.c.link_id] if sort == "name" else [links.c.newest_us, links.c.link_id]
    page = query.order_by(*order).limit(count)  # of the links alone, before their records are read
    rows = connection.execute(_WITH_RECORDS.where(links.c.id.in_(page)).order_by(*order))
    return [_state(row) for row in rows]


def link_cursor(state: LinkState, sort: str) -> str:
    """Return the cursor of a link in one order."""
    return state.link_id if sort == "name" else f"{round(state.newest_s * 1e6)}:{state.link_id}"


def _after(cursor: str, sort: str) -> list[ColumnElement[bool]]:
    """Return what holds for the links after one in an order."""
    if sort == "name" or not cursor:
        _check_cursor(cursor, len(cursor) <= _LONGEST_NAME)
        return [links.c.link_id > cursor]
    newest_us, _, name = cursor.partition(":")
    _check_cursor(cursor, newest_us.isdigit() and len(newest_us) <= _LONGEST_TIME)
    return [tuple_(links.c.newest_us, links.c.link_id) > (int(newest_us), name)]


def _check_cursor(cursor: str, holds: bool) -> None:
    if not holds:
        raise InvalidInput(
            f"cursor is {quoted(cursor)}; it is that of a page in the same order. Leave it out for "
            "the first page.",
            "cursor",
        )


def _state(row: Row[Any]) -> LinkState:
    record = record_of(row.packed, row.old)
    return LinkState(row.link_id, link_mode(row), row.newest_us / 1e6, record, sums_of(row))


def record_of(packed: bytes | None, old: str | None) -> LinkRecord:
    """Return a link's record, from the release before where this one has not written it yet."""
    return LinkRecord.from_json(old) if packed is None else LinkRecord.from_bytes(packed)
