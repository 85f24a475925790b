"""Row locks on links: writers to one link run one after the other."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select

from pba.store.dialects import insert_into
from pba.store.link_queries import chunks
from pba.store.tables import links

__all__ = ["lock_link", "lock_links"]


def lock_links(
    connection: Connection, link_ids: Iterable[str], created_us: int | None = None
) -> dict[str, Row[Any]]:
    """Lock the links until the end of the transaction; return their rows by ``link_id``.

    Links are locked in the order of their names, so that two transactions cannot deadlock.

    Parameters
    ----------
    created_us
        Creates missing links, with this time as that of their last report. None leaves them out
        of the result instead.
    """
    rows: dict[str, Row[Any]] = {}
    for chunk in chunks(sorted(set(link_ids))):
        if created_us is not None:
            new = [{"link_id": name, "newest_us": -1, "heard_us": created_us} for name in chunk]
            connection.execute(insert_into(connection, links).on_conflict_do_nothing(), new)
        query = select(links).where(links.c.link_id.in_(chunk)).order_by(links.c.link_id)
        rows |= {row.link_id: row for row in connection.execute(query.with_for_update())}
    return rows


def lock_link(connection: Connection, link_id: str) -> int | None:
    """Lock one link until the end of the transaction; return its key, None where it is unknown."""
    query = select(links.c.id).where(links.c.link_id == link_id).with_for_update()
    return connection.execute(query).scalar()
