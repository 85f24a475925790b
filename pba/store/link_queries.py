"""Reading links: their state, record and last samples."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select

from pba.forecasting.link_record import LinkRecord
from pba.security import EVERYTHING, Scope
from pba.store.link_orders import cursor_of, pages_after
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
    "link_mode",
    "link_state",
    "link_states",
    "record_of",
]

_WITH_RECORDS = select(
    links,
    records.c.body.label("packed"),
    records.c.accuracy_permille,
    records.c.drift_size,
    old_records.c.body.label("old"),
    *(link_transfers.c[name] for name in SUMS),
).select_from(
    links.outerjoin(records, records.c.link == links.c.id)
    .outerjoin(old_records, old_records.c.link == links.c.id)
    .outerjoin(link_transfers, link_transfers.c.link == links.c.id)
)
_FEW = 1000
_BY_NAME = _WITH_RECORDS.where(links.c.link_id.in_(bindparam("names", expanding=True)))


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
        As `pba.store.link_orders.pages_after`.
    """
    chosen = _chosen(connection, mode, scope, search)
    states: list[LinkState] = []
    for page in pages_after(sort, after):
        # The links alone, before their records are read.
        keys = page.keys.where(*chosen(page.key)).order_by(*page.order).limit(count - len(states))
        query = _WITH_RECORDS.where(links.c.id.in_(keys)).order_by(*page.order)
        states += [
            replace(_state(row), cursor=cursor_of(sort, row)) for row in connection.execute(query)
        ]
        if len(states) == count:
            break
    return states


def _chosen(
    connection: Connection, mode: NetworkMode | None, scope: Scope, search: str
) -> Callable[[ColumnElement[int]], list[ColumnElement[bool]]]:
    """Return what holds for the links of a listing, of which a column has the keys.

    Where few links are chosen, they are named: walking along an order would read all links.
    """
    conditions = []
    if search:
        name = func.lower(links.c.link_id)
        conditions.append(name.contains(search.lower(), autoescape=True))
    if mode is not None:
        conditions.append(links.c.mode == mode.value)
    if not scope.everything:
        conditions.append(in_scope(links.c.link_id, scope))
    if not conditions:
        return lambda key: []
    some = select(links.c.id).where(*conditions).limit(_FEW + 1)
    few = list(connection.execute(some).scalars())
    return lambda key: conditions if len(few) > _FEW else [key.in_(few)]


def _state(row: Row[Any]) -> LinkState:
    record = record_of(row.packed, row.old)
    newest_s, drift = row.newest_us / 1e6, row.drift_size or None
    return LinkState(row.link_id, link_mode(row), newest_s, record, sums_of(row), drift)


def record_of(packed: bytes | None, old: str | None) -> LinkRecord:
    """Return a link's record, from the release before where this one has not written it yet."""
    return LinkRecord.from_json(old) if packed is None else LinkRecord.from_bytes(packed)
