"""The orders in which links are listed, and the cursors of their pages.

Each order but that of names has an index of a value and a link's key. Values are rounded, so that a
report or an outcome seldom changes an index: links that differ by less come in the order of keys.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import ColumnElement, Row, Select, select, tuple_

from pba.errors import InvalidInput, quoted
from pba.store.tables import links, records

__all__ = ["LinkPage", "cursor_of", "pages_after"]

_LONGEST_NAME = 200
_CURSOR = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)?:(\d{1,18})")


@dataclass(frozen=True, slots=True)
class LinkPage:
    """The query of the keys of links, in an order by columns of links and records.

    ``key`` is the column that has the keys, where few of them are to be named.
    """

    keys: Select[int]
    key: ColumnElement[int]
    order: Sequence[ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class _Order:
    """An order by a column and the key beside it; ``descending``: the greatest come first."""

    value: ColumnElement[Any]
    key: ColumnElement[int]
    descending: bool = False

    def valued(self, after: tuple[float, int] | None) -> LinkPage:
        """Return the links with a value, those behind a value and key."""
        both = self.value, self.key
        order = [one.desc() if self.descending else one.asc() for one in both]
        keys = select(self.key).where(self.value.is_not(None))
        if self.key.table is not links:
            keys = keys.join(links, links.c.id == self.key)
        if after is not None:
            place = tuple_(*both)
            keys = keys.where(place < after if self.descending else place > after)
        return LinkPage(keys, self.key, order)

    def unvalued(self, after: int) -> LinkPage:
        """Return the links without a value, those behind a key."""
        keys = select(links.c.id).outerjoin(records, records.c.link == links.c.id)
        keys = keys.where(self.value.is_(None), links.c.id > after)
        return LinkPage(keys, links.c.id, [links.c.id])


_ORDERS = {
    "silent": _Order(links.c.newest_minute, links.c.id),
    "accuracy": _Order(records.c.accuracy_permille, records.c.link),
    "drift": _Order(records.c.drift_size, records.c.link, descending=True),
}


def pages_after(sort: str, cursor: str) -> list[LinkPage]:
    """Return the links behind a cursor in an order, in parts of which each follows the one before.

    Parameters
    ----------
    sort
        ``name``; ``accuracy``, the worst first; ``drift``, the most first; ``silent``, those first
        that have not reported for longest. Links without a value come last.

    Raises
    ------
    InvalidInput
        For a cursor of another order.
    """
    if sort == "name":
        if len(cursor) > _LONGEST_NAME:
            _refuse(cursor)
        keys = select(links.c.id).where(links.c.link_id > cursor)
        return [LinkPage(keys, links.c.id, [links.c.link_id])]
    order = _ORDERS[sort]
    if not cursor:
        return [order.valued(None), order.unvalued(0)]
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        _refuse(cursor)
    value, key = parts[1], int(parts[2])
    if value is None:
        return [order.unvalued(key)]
    return [order.valued((float(value) if "." in value else int(value), key)), order.unvalued(0)]


def cursor_of(sort: str, row: Row[Any]) -> str:
    """Return the cursor behind a link, of which ``row`` has the columns of the orders."""
    if sort == "name":
        return str(row.link_id)
    value = row._mapping[_ORDERS[sort].value.name]
    return f"{'' if value is None else value}:{row.id}"


def _refuse(cursor: str) -> NoReturn:
    raise InvalidInput(
        f"cursor is {quoted(cursor)}; it is that of a page in the same order. Leave it out for the "
        "first page.",
        "cursor",
    )
