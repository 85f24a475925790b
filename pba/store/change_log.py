"""The log of which links have new samples: how a router learns of what another one has stored."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text, func, select

from pba.store.database import Database
from pba.store.executor import Call, SetStatement
from pba.store.tables import metadata

__all__ = ["ChangeLog", "LinkChange", "change_calls", "link_changes", "newest_before"]

link_changes = Table(
    "link_changes",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at_us", BigInteger, nullable=False),
    Column("names", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""The names of links with new samples, JSON, a row a transaction; kept for a minute or longer.

Numbers are never given again, so that a reader can say up to which one it has read.
"""

_NOTE_CHANGES = SetStatement(
    {"at_us": "int8", "names": "text"},
    "INSERT INTO link_changes (at_us, names) SELECT i.at_us, i.names FROM {input}",
    "INSERT INTO link_changes (at_us, names) VALUES (?1, ?2)",
)
"""Note links with new samples. What is sent twice is noted twice, which costs a reader one look."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """Links that have new samples, by one transaction; transactions may commit in another order."""

    number: int
    link_ids: tuple[str, ...]


def change_calls(link_ids: Collection[str], now_us: int) -> list[Call]:
    """Return the statement that notes new samples of ``link_ids``."""
    rows = [(now_us, json.dumps(sorted(link_ids)))] if link_ids else []
    return [(_NOTE_CHANGES, rows)]


class ChangeLog:
    """The log in one database; every call raises `StoreUnavailable` as those of `Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def newest(self) -> int:
        """Return the largest number so far, 0 before the first."""
        return self._database.read(_newest)

    def after(self, number: int, count: int = 1000) -> list[LinkChange]:
        """Return up to ``count`` changes with numbers above ``number``, in their order."""
        return self._database.read(_after, number, count)


def newest_before(connection: Connection, before_us: int) -> int:
    """Return the largest number from before ``before_us``, 0 if there is none."""
    query = select(link_changes.c.id).where(link_changes.c.at_us < before_us)
    query = query.order_by(link_changes.c.id.desc()).limit(1)
    return int(connection.execute(query).scalar() or 0)


def _newest(connection: Connection) -> int:
    return int(connection.execute(select(func.max(link_changes.c.id))).scalar() or 0)


def _after(connection: Connection, number: int, count: int) -> list[LinkChange]:
    query = select(link_changes.c.id, link_changes.c.names).where(link_changes.c.id > number)
    rows = connection.execute(query.order_by(link_changes.c.id).limit(count))
    return [LinkChange(one, tuple(json.loads(names))) for one, names in rows]
