"""Moving the rows of the release before into the tables of this one, while both are in use.

Replicas of the release before go on to write its tables, and its Monitor may score what is there.
So a row is moved in one transaction that finds it as it was read, under the lock of its link that
they take too: it is in one table or the other, and nothing is scored twice.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from pba.forecasting.link_record import LinkRecord
from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.forecast_body import pack_all
from pba.store.database import Database
from pba.store.due_links import mark_due
from pba.store.old_pairs import add_old_pairs
from pba.store.old_tables import old_forecasts, old_outcomes, old_records
from pba.store.statements import chunks, insert_into, to_micros
from pba.store.tables import ACTUALS, forecasts, links, open_forecasts, records
from pba.store.version_table import version_ids
from pba.types import HORIZONS, NetworkMode

__all__ = ["OldRows"]

_FIRST, _FEWEST, _MOST = 100, 10, 5000  # rows in one transaction
_LONGEST_PAUSE_S = 1.0
_AIM_S = 0.05  # of one transaction: half of the limit, since machines stall


class _Changed(Exception):
    """Another writer was faster, so the transaction is undone."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Old forecasts as they were read, newest first, their outcomes, and their new rows."""

    old: Sequence[Row[Any]]
    outcomes: frozenset[tuple[int, int]]
    new: Sequence[dict[str, Any]]


class OldRows:
    """Moves forecasts with their outcomes, and link records, a few at a time.

    Parameters
    ----------
    database
        Shared with the `pba.store.Store`.
    clock
        Returns the current Unix time in seconds.
    timer
        Seconds of a clock that never goes back.
    pause
        Waits for a number of seconds: after each transaction as long as it took, so that writers
        have their turn.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._clock = clock
        self._timer = timer
        self._pause = pause
        self._count = _FIRST

    def copy_some(self) -> bool:
        """Move some rows in a transaction of at most 100 ms; return whether there were any.

        Records come first, then the newest forecasts: those that are open. Rows of links that
        somebody writes to are left for the next call.
        """
        old = self._database.read(_old_records, self._count)
        if old:
            self._write(_move_records, old)
            return True
        batch = self._database.read(_old_forecasts, self._count)
        if batch.old:
            self._write(_move_forecasts, batch, to_micros(self._clock()))
        return bool(batch.old)

    def _write(self, work: Callable[..., None], *inputs: Any) -> None:
        started_s = 0.0

        def timed(connection: Connection) -> None:
            nonlocal started_s
            started_s = self._timer()  # what it waited for others holds up nobody
            work(connection, *inputs)

        try:
            self._database.write(timed)
        except _Changed:
            self._count = max(_FEWEST, self._count // 2)
            return
        took_s = max(self._timer() - started_s, 1e-6)
        aim = self._count * min(2.0, _AIM_S / took_s)
        self._count = max(_FEWEST, min(_MOST, int(aim)))
        self._pause(min(took_s, _LONGEST_PAUSE_S))


def _old_records(connection: Connection, count: int) -> list[tuple[int, str, bytes]]:
    """Return link, old form and packed form of some records."""
    rows = connection.execute(select(old_records).limit(count)).all()
    return [(row.link, row.body, LinkRecord.from_json(row.body).to_bytes()) for row in rows]


def _move_records(connection: Connection, old: Sequence[tuple[int, str, bytes]]) -> None:
    free = _lock_free(connection, (link for link, *_ in old))
    chosen = {link: (text, body) for link, text, body in old if link in free}
    deleted = delete(old_records).where(old_records.c.link.in_(list(chosen)))
    removed = connection.execute(deleted.returning(old_records.c.link, old_records.c.body)).all()
    if {(link, text) for link, text in removed} != {(key, had[0]) for key, had in chosen.items()}:
        raise _Changed
    new = [{"link": link, "body": chosen[link][1]} for link in sorted(chosen) if free[link]]
    if new:
        connection.execute(insert_into(connection, records).on_conflict_do_nothing(), new)


def _old_forecasts(connection: Connection, count: int) -> _Batch:
    query = select(old_forecasts).order_by(old_forecasts.c.id.desc()).limit(count)
    old = connection.execute(query).all()
    actuals: dict[int, dict[int, float]] = {}
    columns = old_outcomes.c.forecast, old_outcomes.c.steps, old_outcomes.c.actual_mbps
    for chunk in chunks(row.id for row in old):
        for key, steps, actual in connection.execute(
            select(*columns).where(old_outcomes.c.forecast.in_(chunk))
        ):
            actuals.setdefault(key, {})[steps] = actual
    bodies = pack_all([json.loads(row._mapping["said"]) for row in old])
    new = [
        _new_row(row, body, actuals.get(row.id, {})) for row, body in zip(old, bodies, strict=True)
    ]
    outcomes = frozenset((key, steps) for key, known in actuals.items() for steps in known)
    return _Batch(old, outcomes, new)


def _new_row(row: Row[Any], body: bytes, actuals: dict[int, float]) -> dict[str, Any]:
    """Return the row of a forecast, with the name of the version, and whether it is open."""
    return {
        "link": row.link,
        "after_us": row.after_us,
        "arm": ARMS.index(row.arm),
        "version": row.version,
        "created_us": row.made_us,
        "mode": MODES.index(NetworkMode(row.mode)),
        "source": SOURCES.index(row.source),
        "served": row.served,
        "open": row.open,
        "step_s": row.step_s,
        "took_ms": row.took_ms,
        "body": body,
        **dict.fromkeys(ACTUALS),
        **{f"actual_{steps}_mbps": actuals.get(steps) for steps in HORIZONS},
    }


def _move_forecasts(connection: Connection, batch: _Batch, now_us: int) -> None:
    free = _lock_free(connection, (row.link for row in batch.old))
    chosen = [index for index, row in enumerate(batch.old) if row.link in free]
    if not chosen:
        return
    _remove(connection, batch, chosen)
    new = [batch.new[index] for index in chosen if free[batch.old[index].link]]
    if not new:
        return
    versions = version_ids(connection, {row["version"] for row in new})
    rows = [row | {"version": versions[row["version"]]} for row in new]
    rows.sort(key=lambda row: (row["link"], row["after_us"], row["arm"], row["version"]))
    add_old_pairs(connection, rows)
    for table, is_open in ((open_forecasts, True), (forecasts, False)):
        names = [column.name for column in table.c]
        own = [{name: row[name] for name in names} for row in rows if row["open"] == is_open]
        if own:
            connection.execute(insert_into(connection, table).on_conflict_do_nothing(), own)
    mark_due(connection, {row["link"] for row in rows if row["open"]}, now_us)


def _remove(connection: Connection, batch: _Batch, chosen: Sequence[int]) -> None:
    """Delete the chosen old rows; raises `_Changed` where they are not as they were read."""
    expected = {_identity(batch.old[index]) for index in chosen}
    keys = sorted(batch.old[index].id for index in chosen)
    outcomes: set[tuple[int, int]] = set()
    removed = set()
    for chunk in chunks(keys):
        scored = delete(old_outcomes).where(old_outcomes.c.forecast.in_(chunk))
        returned = scored.returning(old_outcomes.c.forecast, old_outcomes.c.steps)
        outcomes |= {(key, steps) for key, steps in connection.execute(returned)}
        moved = delete(old_forecasts).where(old_forecasts.c.id.in_(chunk))
        removed |= set(map(_identity, connection.execute(moved.returning(*_IDENTITY))))
    within = set(keys)
    if removed != expected or outcomes != {one for one in batch.outcomes if one[0] in within}:
        raise _Changed


_IDENTITY = [
    old_forecasts.c[name]
    for name in ("id", "link", "after_us", "arm", "version", "made_us", "open")
]


def _identity(row: Row[Any]) -> tuple[Any, ...]:
    """Return what tells a row from all others: SQLite gives the number of a deleted one again."""
    return row.id, row.link, row.after_us, row.arm, row.version, row.made_us, bool(row.open)


def _lock_free(connection: Connection, keys: Iterable[int]) -> dict[int, bool]:
    """Lock those of the links that nobody else has locked, until the end of the transaction.

    Others are not waited for: replicas of the release before lock in another order.

    Returns
    -------
    dict
        Whether the link still exists, by key; links that somebody has locked are left out.
    """
    free: dict[int, bool] = {}
    for chunk in chunks(sorted(set(keys))):
        query = select(links.c.id).where(links.c.id.in_(chunk))
        locked = set(connection.execute(query.with_for_update(skip_locked=True)).scalars())
        alone = connection.dialect.name == "sqlite"  # nobody else can lock anything
        existing = locked if alone else set(connection.execute(query).scalars())
        free |= {key: key in existing for key in chunk if key in locked or key not in existing}
    return free
