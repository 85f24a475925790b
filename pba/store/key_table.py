"""Keys of callers in the database: what is kept of each, also when it is not valid any more."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from pba.errors import InvalidInput, NotFound, StoreUnavailable, quoted
from pba.security import LOCAL, Author, KeyRecord
from pba.security.audit_chain import AuditEntry
from pba.store.access_tables import access_keys as table
from pba.store.audit_table import append_entries
from pba.store.database import Database
from pba.store.statements import to_micros
from pba.types import rfc3339_of

__all__ = ["KeyTable"]


class KeyTable:
    """The keys in one database; every call raises `StoreUnavailable` as those of `Store`.

    Parameters
    ----------
    database
        Where they are.
    clock
        Returns the current Unix time in seconds.
    author
        Who changes them, for the audit.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float], author: Author = LOCAL
    ) -> None:
        self._database = database
        self._clock = clock
        self._author = author

    def by(self, author: Author) -> "KeyTable":
        """Return the same keys for changes by ``author``."""
        return KeyTable(self._database, self._clock, author)

    def records(self) -> list[KeyRecord]:
        """Return all keys ever created, the oldest first."""
        return self._database.read(_records)

    def add(self, record: KeyRecord) -> None:
        """Store a new key."""
        self._database.write(_add, record, self._note("key_created", record.key_id, record))

    def revoke(self, key_id: str, at_s: float | None = None) -> None:
        """Have a key end at ``at_s``, by default now; one that ends before keeps its end.

        Raises
        ------
        NotFound
            If there is no such key.
        """
        now_s = self._clock() if at_s is None else at_s
        note = self._note("key_revoked", key_id, end=rfc3339_of(now_s))
        if not self._database.write(_revoke, key_id, to_micros(now_s), note):
            raise NotFound(f"no key has the id {quoted(key_id)}. pba keys list shows all.")

    def rotate(self, key_id: str, successor: KeyRecord, end_s: float) -> None:
        """Store ``successor`` and have the key ``key_id`` end at ``end_s``, in one transaction.

        Raises
        ------
        NotFound
            If there is no such key; nothing is stored.
        """
        note = self._note("key_rotated", key_id, successor, end=rfc3339_of(end_s))
        if not self._database.write(_rotate, key_id, successor, to_micros(end_s), note):
            raise NotFound(f"no key has the id {quoted(key_id)}. pba keys list shows all.")

    def _note(
        self, action: str, key_id: str, record: KeyRecord | None = None, **details: Any
    ) -> "_Note":
        """Return what is recorded of a change; of a key all but its digest."""
        if record is not None:
            document = record.as_dict()
            details["key"] = {name: document[name] for name in document if name != "sha256"}
        return _Note(AuditEntry(self._author, action, key_id, details), to_micros(self._clock()))


@dataclass(frozen=True, slots=True)
class _Note:
    entry: AuditEntry
    now_us: int

    def append(self, connection: Connection) -> None:
        append_entries(connection, [self.entry], self.now_us)


def _records(connection: Connection) -> list[KeyRecord]:
    rows = connection.execute(select(table).order_by(table.c.created_us, table.c.id))
    try:
        return [_record(row) for row in rows]
    except (InvalidInput, ValueError) as error:
        raise StoreUnavailable(
            f"the telemetry store is away: its keys cannot be read ({error}). Another release or "
            "program has written them: correct or delete the row of the table access_keys."
        ) from error


def _record(row: Row[Any]) -> KeyRecord:
    return KeyRecord.from_dict(
        {
            "id": row.id,
            "name": row.name,
            "role": row.role,
            "links": json.loads(row.links),
            "sha256": row.sha256,
            "created_s": row.created_us / 1e6,
            "expires_s": _seconds(row.expires_us),
            "revoked_s": _seconds(row.revoked_us),
            "limits": json.loads(row.limits or "{}"),
        }
    )


def _add(connection: Connection, record: KeyRecord, note: _Note) -> None:
    _insert(connection, record)
    note.append(connection)


def _insert(connection: Connection, record: KeyRecord) -> None:
    row = {
        "id": record.key_id,
        "name": record.name,
        "role": record.role.value,
        "links": json.dumps(record.scope.patterns),
        "sha256": record.sha256,
        "created_us": to_micros(record.created_s),
        "expires_us": _micros(record.expires_s),
        "revoked_us": _micros(record.revoked_s),
        "limits": json.dumps(record.limits.as_dict()) if record.limits.as_dict() else None,
    }
    connection.execute(insert(table), [row])


def _revoke(connection: Connection, key_id: str, end_us: int, note: _Note) -> bool:
    exists = _end(connection, key_id, end_us)
    if exists:
        note.append(connection)
    return exists


def _end(connection: Connection, key_id: str, end_us: int) -> bool:
    rows = connection.execute(
        select(table.c.revoked_us).where(table.c.id == key_id).with_for_update()
    ).all()
    _set_end(connection, key_id, rows, end_us)
    return bool(rows)


def _set_end(connection: Connection, key_id: str, rows: Sequence[Row[Any]], end_us: int) -> None:
    if rows and (rows[0].revoked_us is None or rows[0].revoked_us > end_us):
        change = update(table).where(table.c.id == key_id).values(revoked_us=end_us)
        connection.execute(change)


def _rotate(
    connection: Connection, key_id: str, successor: KeyRecord, end_us: int, note: _Note
) -> bool:
    if not _end(connection, key_id, end_us):
        return False
    _insert(connection, successor)
    note.append(connection)
    return True


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / 1e6


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else to_micros(seconds)
