"""Outcomes that wait for their mode's drift detector, and the detector's state."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from pba.scoring.codes import MODES
from pba.store.event_log import add_events
from pba.store.statements import chunks, insert_into
from pba.store.tables import mode_drift, mode_outcomes
from pba.types import Event, NetworkMode

__all__ = ["ModeQueue", "read_queues", "write_state"]


@dataclass(frozen=True, slots=True)
class ModeQueue:
    """The oldest outcomes that a mode's detector has not seen.

    Parameters
    ----------
    state
        The state before them; None if the mode has none yet.
    numbers, bodies
        The batches, oldest first: their keys, and `pba.scoring.mode_outcomes.ModeOutcomes` packed.
    """

    mode: NetworkMode
    state: bytes | None
    numbers: tuple[int, ...]
    bodies: tuple[bytes, ...]


def read_queues(connection: Connection, limit: int) -> list[ModeQueue]:
    """Return up to ``limit`` waiting batches, by mode."""
    query = select(mode_outcomes).order_by(mode_outcomes.c.id).limit(limit)
    rows = connection.execute(query).all()
    states = {row.mode: row.state for row in connection.execute(select(mode_drift))} if rows else {}
    queues = []
    for code in sorted({row.mode for row in rows}):
        batches = [row for row in rows if row.mode == code]
        numbers, bodies = (tuple(row[at] for row in batches) for at in (0, 2))
        queues.append(ModeQueue(MODES[code], states.get(code), numbers, bodies))
    return queues


def write_state(
    connection: Connection, queue: ModeQueue, state: bytes, events: Sequence[Event]
) -> bool:
    """Replace the state that ``queue`` was read with, end its batches, and add events.

    Nothing is written if another process has advanced the mode meanwhile: the row's lock and the
    comparison with the state before decide who has.

    Returns
    -------
    bool
        Whether it was written.
    """
    if not _replace(connection, MODES.index(queue.mode), queue.state, state):
        return False
    for chunk in chunks(queue.numbers):
        connection.execute(delete(mode_outcomes).where(mode_outcomes.c.id.in_(chunk)))
    add_events(connection, events)
    return True


def _replace(connection: Connection, code: int, before: bytes | None, state: bytes) -> bool:
    if before is None:
        insert = insert_into(connection, mode_drift).values(mode=code, state=state)
        insert = insert.on_conflict_do_nothing().returning(mode_drift.c.mode)
        return connection.execute(insert).scalar() is not None
    unchanged = (mode_drift.c.mode == code) & (mode_drift.c.state == before)
    statement = update(mode_drift).where(unchanged).values(state=state)
    return bool(connection.execute(statement).rowcount)
