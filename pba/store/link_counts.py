"""How many links there are: counted at once where they are few, and else as of the last count."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, text

from pba.store.report_tables import link_counts as table
from pba.store.statements import insert_into
from pba.store.tables import links

__all__ = ["LinkFigures", "count_all", "link_counts", "link_figures", "write_counts"]

_FEW = 20_000
_ROW = 1

# The condition is that of the partial index, word for word.
_ALARMS = text(
    """
    SELECT l.mode, count(*) FROM link_records AS r JOIN links AS l ON l.id = r.link
     WHERE r."alarm" GROUP BY l.mode
    """
)


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """What a Monitor shows of all links.

    Parameters
    ----------
    active
        How many have reported lately.
    alarms
        How many have an open drift alarm, by mode.
    """

    active: int
    alarms: Mapping[str, int]


def link_figures(connection: Connection, since_us: int) -> LinkFigures:
    """Return the figures of links, active being those that have reported since ``since_us``."""
    reported = select(func.count()).where(links.c.heard_us >= since_us)
    alarms = connection.execute(_ALARMS).all()
    return LinkFigures(
        connection.execute(reported).scalar_one(),
        {mode: int(count) for mode, count in alarms if mode is not None},
    )


def link_counts(connection: Connection, few: int = _FEW) -> tuple[int, int]:
    """Return the number of links and of their mode switches.

    Over ``few`` links they are those of the last `write_counts`; without one, all are counted.
    """
    some = select(links.c.switches).limit(few + 1).subquery()
    count, switches = connection.execute(
        select(func.count(), func.coalesce(func.sum(some.c.switches), 0)).select_from(some)
    ).one()
    if count <= few:
        return int(count), int(switches)
    row = connection.execute(select(table.c.links, table.c.mode_switches)).one_or_none()
    return (row[0], row[1]) if row else count_all(connection)


def count_all(connection: Connection) -> tuple[int, int]:
    """Count all links, and their mode switches: that reads the whole table."""
    query = select(func.count(), func.coalesce(func.sum(links.c.switches), 0)).select_from(links)
    count, switches = connection.execute(query).one()
    return int(count), int(switches)


def write_counts(connection: Connection, counts: tuple[int, int]) -> None:
    """Store a count for the reports."""
    insert = insert_into(connection, table)
    insert = insert.values(id=_ROW, links=counts[0], mode_switches=counts[1])
    new = {name: insert.excluded[name] for name in ("links", "mode_switches")}
    connection.execute(insert.on_conflict_do_update(index_elements=[table.c.id], set_=new))
