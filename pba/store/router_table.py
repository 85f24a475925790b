"""The routers that run, of all clusters on one store: each says so every few seconds."""

from collections.abc import Callable

from sqlalchemy import Connection, delete, func, select

from pba.store.access_tables import routers as table
from pba.store.database import Database
from pba.store.statements import insert_into, to_micros

__all__ = ["RouterTable"]


class RouterTable:
    """The routers in one database; every call raises `StoreUnavailable` as those of `Store`.

    Parameters
    ----------
    clock
        Returns the current Unix time in seconds.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def mark_running(self, router_id: str, lasts_s: float) -> int:
        """Note that a router runs; return how many have done so within ``lasts_s`` seconds.

        Those that have not are removed: they have ended without a word.
        """
        now_us, lasts_us = to_micros(self._clock()), to_micros(lasts_s)
        return self._database.write(_mark_running, router_id, now_us, now_us - lasts_us)

    def remove(self, router_id: str) -> None:
        """Note that a router ends."""
        self._database.write(_remove, router_id)


def _mark_running(connection: Connection, router_id: str, now_us: int, since_us: int) -> int:
    statement = insert_into(connection, table).values(id=router_id, seen_us=now_us)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.id], set_={"seen_us": statement.excluded.seen_us}
        )
    )
    connection.execute(delete(table).where(table.c.seen_us < since_us))
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _remove(connection: Connection, router_id: str) -> None:
    connection.execute(delete(table).where(table.c.id == router_id))
