"""Links with new samples: they wait here for a Monitor, which claims some of them at a time.

On PostgreSQL a claim is written, so that several Monitors share the work: no lock outlasts the
statement, and a claim runs out, so that a dead Monitor holds nothing up. A SQLite file has one
Monitor at a time, which claims without writing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select, update

from pba.store.driver_rows import driver_rows
from pba.store.statements import insert_into
from pba.store.tables import due_links

__all__ = ["Claim", "backlog", "claim_links", "mark_due", "postpone", "release"]

_Ints = NDArray[np.int64]
_CHOICE = """
    SELECT link, since_us, generation FROM due_links WHERE claimed_us <= {now}
    ORDER BY since_us LIMIT {count}
"""
_CLAIM = f"""
    WITH chosen AS ({_CHOICE.format(now="%(now)s", count="%(count)s")} FOR UPDATE SKIP LOCKED)
    UPDATE due_links SET claimed_us = %(until)s FROM chosen WHERE due_links.link = chosen.link
    RETURNING due_links.link, due_links.since_us, due_links.generation
"""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Due links that a Monitor has to itself for a while.

    Parameters
    ----------
    links
        Their keys, increasing, ``(link,)``.
    since_us, reports
        Columns ``since_us`` and ``generation`` of `due_links` when they were claimed, ``(link,)``.
    until_us
        When the claim runs out, by the service's clock.
    """

    links: _Ints
    since_us: _Ints
    reports: _Ints
    until_us: int

    def __len__(self) -> int:
        """Return the number of links."""
        return len(self.links)

    def only(self, links: _Ints) -> "Claim":
        """Return the claim of those of its links that are among ``links``."""
        kept = np.isin(self.links, links)
        return Claim(self.links[kept], self.since_us[kept], self.reports[kept], self.until_us)


def mark_due(connection: Connection, links: Iterable[int], now_us: int) -> None:
    """Note that ``links`` have something to score, in the order of keys: all writers lock so."""
    rows = [{"link": link, "since_us": now_us} for link in sorted(set(links))]
    if not rows:
        return
    insert = insert_into(connection, due_links)
    generation = due_links.c.generation + 1
    again = insert.on_conflict_do_update(
        index_elements=[due_links.c.link], set_={"generation": generation}
    )
    connection.execute(again, rows)


def backlog(connection: Connection) -> tuple[int, int | None]:
    """Return how many links are due, and since when the longest is (microseconds)."""
    count, oldest_us = connection.execute(
        select(func.count(), func.min(due_links.c.since_us))
    ).one()
    return count, oldest_us


def claim_links(connection: Connection, now_us: int, until_us: int, count: int) -> Claim:
    """Claim up to ``count`` links that nobody has claimed, those first that wait longest."""
    parameters = {"now": now_us, "until": until_us, "count": count}
    postgresql = connection.dialect.name == "postgresql"
    statement = _CLAIM if postgresql else _CHOICE.format(now=":now", count=":count")
    rows = sorted(driver_rows(connection, statement, parameters))
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Claim(columns[:, 0], columns[:, 1], columns[:, 2], until_us)


def release(connection: Connection, claim: Claim) -> None:
    """Give back what is left of a claim, so that others need not wait until it runs out."""
    _set_claim(connection, claim, 0)


def postpone(connection: Connection, claim: Claim) -> None:
    """Leave links that cannot be scored alone until the claim would run out."""
    _set_claim(connection, claim, claim.until_us)


def _set_claim(connection: Connection, claim: Claim, until_us: int) -> None:
    own = due_links.c.link.in_(claim.links.tolist()), due_links.c.claimed_us <= claim.until_us
    # Locked in the order of keys, as by all other writers.
    keys = select(due_links.c.link).where(*own).order_by(due_links.c.link).with_for_update()
    locked = list(connection.execute(keys).scalars())
    if locked:
        statement = update(due_links).where(due_links.c.link.in_(locked))
        connection.execute(statement.values(claimed_us=until_us))
