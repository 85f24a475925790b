"""Leases: jobs that one process at a time does. A holder that died holds none for long."""

from sqlalchemy import Connection, delete, or_

from pba.store.statements import insert_into
from pba.store.tables import leases

__all__ = ["give_back_lease", "take_lease"]


def take_lease(connection: Connection, name: str, holder: str, now_us: int, until_us: int) -> bool:
    """Take a lease that is free, or renew one's own; return whether ``holder`` has it.

    Parameters
    ----------
    now_us
        The time now, microseconds: a lease that ended before is free.
    until_us
        When it ends unless it is renewed.
    """
    insert = insert_into(connection, leases)
    insert = insert.values(name=name, holder=holder, until_us=until_us)
    free = or_(leases.c.until_us <= now_us, leases.c.holder == insert.excluded.holder)
    new = {column: insert.excluded[column] for column in ("holder", "until_us")}
    statement = insert.on_conflict_do_update(index_elements=[leases.c.name], set_=new, where=free)
    return connection.execute(statement.returning(leases.c.name)).scalar() is not None


def give_back_lease(connection: Connection, name: str, holder: str) -> None:
    """End a lease, if ``holder`` has it."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
