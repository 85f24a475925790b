"""How many links there are: counted at once where they are few, and else as of the last count."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, text

from pba.store.report_tables import link_counts as table, link_groups
from pba.store.statements import insert_into
from pba.store.tables import links

__all__ = [
    "LARGEST",
    "LinkFigures",
    "count_all",
    "count_groups",
    "largest_groups",
    "link_counts",
    "link_figures",
    "write_counts",
    "write_groups",
]

LARGEST = 50
"""So many groups of links have sums of their own."""

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


def count_groups(connection: Connection) -> dict[str, int]:
    """Return the largest groups of links, and how many links each has: that reads all names.

    A group is as `pba.scoring.group_sums.group_of` says.
    """
    # What is trimmed is all behind the last colon.
    name = func.rtrim(links.c.link_id, func.replace(links.c.link_id, ":", ""))
    begin = name.label("begin")
    query = select(begin, func.count()).where(name.not_in(["", ":"])).group_by(begin)
    query = query.order_by(func.count().desc(), begin).limit(LARGEST)
    return {begin[:-1]: count for begin, count in connection.execute(query)}


def write_groups(connection: Connection, counts: Mapping[str, int]) -> None:
    """Store the largest groups in place of those of before."""
    connection.execute(delete(link_groups))
    if counts:
        rows = [{"name": name, "links": count} for name, count in counts.items()]
        connection.execute(insert(link_groups), rows)


def largest_groups(connection: Connection) -> frozenset[str]:
    """Return the largest groups of links as last counted."""
    return frozenset(connection.execute(select(link_groups.c.name)).scalars())
