"""The numbers that stand for the names of model versions in stored forecasts."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from pba.store.statements import chunks, insert_into
from pba.store.tables import versions

__all__ = ["version_ids", "version_names"]


def version_ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Return the number of each version; unknown names get one."""
    ids = _known(connection, names)
    unknown = sorted(set(names) - ids.keys())
    if unknown:
        insert = insert_into(connection, versions).on_conflict_do_nothing()
        connection.execute(insert, [{"name": name} for name in unknown])
        ids |= _known(connection, unknown)
    return ids


def version_names(connection: Connection) -> dict[int, str]:
    """Return the name of each number."""
    return {
        number: name for number, name in connection.execute(select(versions.c.id, versions.c.name))
    }


def _known(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for chunk in chunks(sorted(set(names))):
        query = select(versions.c.name, versions.c.id).where(versions.c.name.in_(chunk))
        ids |= {name: number for name, number in connection.execute(query)}
    return ids
