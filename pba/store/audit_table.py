"""Changes in the database, and the chain that shows whether one was altered.

An entry is written in the transaction of its change. The lock of the chain's head is the last that
a transaction takes: writers wait for each other there, and none of them for anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from pba.errors import StoreUnavailable
from pba.security.audit_chain import AuditEntry, AuditRow, ChainCheck, chained
from pba.store.access_tables import audit as table, audit_chain as chain
from pba.store.database import Database

__all__ = ["AuditTable", "Verification", "append_entries", "trim"]

_ROWS = 1000  # read at a time
_NO_HEAD = (
    "the telemetry store is away: its audit has lost the row of audit_chain, so that no change can "
    "be recorded. Another program has deleted it: restore it from a backup."
)


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of checking the chain.

    Parameters
    ----------
    rows
        How many rows follow each other as they should.
    last
        The last of them, and its digest: the first fault, if there is one, is behind it.
    broken
        The number of the first row that does not, None if all do.
    fault
        What is wrong there.
    """

    rows: int
    last: int
    digest: str
    broken: int | None = None
    fault: str = ""


class AuditTable:
    """The audit in one database; every call raises `StoreUnavailable` as those of `Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, count: int = 100, before: int | None = None) -> list[AuditRow]:
        """Return up to ``count`` rows with numbers below ``before``, the newest first."""
        return self._database.read(_newest, count, before)

    def has(self, digest: str) -> bool:
        """Return whether a row has this digest, or the last one that was trimmed."""
        return self._database.read(_has, digest)

    def verify(self) -> Verification:
        """Check every row, from the last that was trimmed to the newest."""
        return self._database.read(_verify)


def append_entries(connection: Connection, entries: Sequence[AuditEntry], now_us: int) -> None:
    """Append ``entries`` to the chain; the caller's transaction takes no lock after that."""
    if not entries:
        return
    head = _head(connection, lock=True)
    number, digest, rows = head.last_id, head.last_hash, []
    for entry in entries:
        row = chained(entry, number + 1, digest, now_us)
        number, digest = row.number, row.digest
        rows.append(_values(row))
    connection.execute(insert(table), rows)
    connection.execute(update(chain).values(last_id=number, last_hash=digest))


def trim(connection: Connection, before_us: int, count: int) -> bool:
    """Delete up to ``count`` rows from before ``before_us``; return whether more may follow.

    Only a beginning of the chain is deleted. Its last digest stays, for what follows it.
    """
    head = _head(connection, lock=True)
    query = select(table.c.id, table.c.at_us, table.c.hash).where(table.c.id > head.anchor_id)
    oldest = connection.execute(query.order_by(table.c.id).limit(count)).all()
    old = list(takewhile(lambda row: row.at_us < before_us, oldest))
    if not old:
        return False
    last = old[-1]
    gone = table.c.id.between(head.anchor_id + 1, last.id)
    connection.execute(delete(table).where(gone))
    connection.execute(update(chain).values(anchor_id=last.id, anchor_hash=last.hash))
    return len(old) == count


def _head(connection: Connection, lock: bool = False) -> Row[Any]:
    query = select(chain)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise StoreUnavailable(_NO_HEAD)
    return row


def _newest(connection: Connection, count: int, before: int | None) -> list[AuditRow]:
    query = select(table).order_by(table.c.id.desc()).limit(count)
    query = query if before is None else query.where(table.c.id < before)
    return [AuditRow(*row) for row in connection.execute(query)]


def _has(connection: Connection, digest: str) -> bool:
    row = connection.execute(select(table.c.id).where(table.c.hash == digest)).first()
    return row is not None or digest == _head(connection).anchor_hash


def _verify(connection: Connection) -> Verification:
    if connection.dialect.name == "postgresql":  # as of one moment, while others append and trim
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    head = _head(connection)
    check, count, after = ChainCheck(head.anchor_id, head.anchor_hash), 0, None
    while rows := _oldest(connection, after):
        for row in rows:
            if fault := check.fault(row):
                return Verification(count, check.number, check.digest, row.number, fault)
            count += 1
        after = rows[-1].number
    state = Verification(count, check.number, check.digest)
    if (check.number, check.digest) == (head.last_id, head.last_hash):
        return state
    if check.number < head.last_id:
        fault = f"rows {check.number + 1} to {head.last_id} are missing"
        return Verification(count, check.number, check.digest, check.number + 1, fault)
    fault = "it is not the row with which the chain ended; it or the row of audit_chain was changed"
    return Verification(count, check.number, check.digest, check.number, fault)


def _oldest(connection: Connection, after: int | None) -> list[AuditRow]:
    query = select(table).order_by(table.c.id).limit(_ROWS)
    query = query if after is None else query.where(table.c.id > after)
    return [AuditRow(*row) for row in connection.execute(query)]


def _values(row: AuditRow) -> dict[str, Any]:
    return {
        "id": row.number,
        "at_us": row.at_us,
        "who": row.who,
        "on_behalf_of": row.on_behalf_of,
        "role": row.role,
        "action": row.action,
        "subject": row.subject,
        "details": row.details,
        "previous": row.previous,
        "hash": row.digest,
    }
