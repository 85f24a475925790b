"""``INSERT … ON CONFLICT`` for SQLite and PostgreSQL; SQLAlchemy has one construct per database."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["insert_into"]


def insert_into(connection: Connection, table: Table) -> Any:
    """Return an INSERT for the connection's database, with ``on_conflict_…`` methods."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
