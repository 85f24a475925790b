"""Changes that are noted in the audit, in one transaction with it."""

from collections.abc import Sequence

from sqlalchemy import Connection

from pba.security.audit_chain import AuditEntry
from pba.store import event_log, retention
from pba.store.audit_table import append_entries
from pba.types import Event

__all__ = ["add_events", "delete_link"]


def delete_link(connection: Connection, entry: AuditEntry, now_us: int) -> bool:
    """Delete a link as ``entry`` says; return whether it existed."""
    if not retention.delete_link(connection, entry.subject):
        return False
    append_entries(connection, [entry], now_us)
    return True


def add_events(
    connection: Connection, events: Sequence[Event], entries: Sequence[AuditEntry], now_us: int
) -> None:
    """Append events to the log, and the changes that they report to the audit."""
    event_log.add_events(connection, events)
    append_entries(connection, entries, now_us)
