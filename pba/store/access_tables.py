"""The tables of the telemetry store about access: keys, what was changed by whom, refusals."""

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, String, Table, Text

from pba.store.tables import metadata

__all__ = ["access_keys", "audit", "audit_chain", "refusals", "routers"]

access_keys = Table(
    "access_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(16), nullable=False),
    Column("links", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("limits", Text),
)
"""Keys of callers as `pba.security.KeyRecord`; ``links`` is a JSON list of patterns, ``limits`` a
JSON object or null.

Rows stay when a key is not valid any more: a service that has ever had keys never opens by itself.
"""

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("on_behalf_of", String(200)),
    Column("role", String(16), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
"""Changes as `pba.security.audit_chain.AuditRow`; rows are appended, and trimmed from the start."""

audit_chain = Table(
    "audit_chain",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("last_id", BigInteger, nullable=False),
    Column("last_hash", String(64), nullable=False),
    Column("anchor_id", BigInteger, nullable=False),
    Column("anchor_hash", String(64), nullable=False),
)
"""One row: the last row of `audit`, and the last that was trimmed.

Who appends or trims locks it, as the last lock of the transaction.
"""

refusals = Table(
    "refusals",
    metadata,
    Column("minute_us", BigInteger, primary_key=True, autoincrement=False),
    Column("address", String(64), primary_key=True),
    Column("key_id", String(16), primary_key=True),
    Column("unauthenticated", Integer, nullable=False),
    Column("forbidden", Integer, nullable=False),
)
"""How many calls were refused, by minute, address and key; the empty key is none that exists."""

routers = Table(
    "routers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("seen_us", BigInteger, nullable=False),
)
"""The routers that run, and when each has last said so: limits of callers are shared by them."""
