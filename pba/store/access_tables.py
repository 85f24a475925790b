"""The tables of the telemetry store that say who may use the service."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from pba.store.tables import metadata

__all__ = ["access_keys"]

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
)
"""Keys of callers as `pba.security.KeyRecord`; ``links`` is a JSON list of patterns.

Rows stay when a key is not valid any more: a service that has ever had keys never opens by itself.
"""
