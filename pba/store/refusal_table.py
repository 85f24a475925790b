"""How many calls were refused, by minute, address and key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from pba.store.access_tables import refusals as table
from pba.store.database import Database
from pba.store.statements import insert_into
from pba.types import rfc3339_of

__all__ = ["RefusalCount", "RefusalTable"]


@dataclass(frozen=True, slots=True, order=True)
class RefusalCount:
    """The refusals of one caller in one minute.

    Parameters
    ----------
    minute_us
        The start of the minute, microseconds since 1970.
    address
        Where the calls came from, or ``other``.
    key_id
        The key that was sent; empty for none that exists.
    unauthenticated, forbidden
        How many got 401 and 403.
    """

    minute_us: int
    address: str
    key_id: str
    unauthenticated: int
    forbidden: int

    def as_dict(self) -> dict[str, Any]:
        """Return the form that ``pba audit refusals --json`` prints."""
        return {
            "minute": rfc3339_of(self.minute_us / 1e6),
            "address": self.address,
            "key_id": self.key_id or None,
            "unauthenticated": self.unauthenticated,
            "forbidden": self.forbidden,
        }


class RefusalTable:
    """The refusals in one database; every call raises `StoreUnavailable` as those of `Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, counts: Sequence[RefusalCount]) -> None:
        """Add ``counts`` to those of the same minute, address and key."""
        if counts:
            self._database.write(_add, counts)

    def rows(self, count: int = 100) -> list[RefusalCount]:
        """Return up to ``count`` rows, those of the newest minutes first."""
        return self._database.read(_newest, count)


def _add(connection: Connection, counts: Sequence[RefusalCount]) -> None:
    statement = insert_into(connection, table)
    sums = {
        name: table.c[name] + statement.excluded[name] for name in ("unauthenticated", "forbidden")
    }
    keys = list(table.primary_key.columns)
    # In one order, so that two replicas cannot wait for each other.
    rows = [
        {
            "minute_us": one.minute_us,
            "address": one.address,
            "key_id": one.key_id,
            "unauthenticated": one.unauthenticated,
            "forbidden": one.forbidden,
        }
        for one in sorted(counts)
    ]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=sums), rows)


def _newest(connection: Connection, count: int) -> list[RefusalCount]:
    order = (table.c.minute_us.desc(), table.c.address, table.c.key_id)
    return [
        RefusalCount(*row)
        for row in connection.execute(select(table).order_by(*order).limit(count))
    ]
