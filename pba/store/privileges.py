"""Which privileges the user of a PostgreSQL database lacks."""

from collections import defaultdict

from sqlalchemy import Connection, text

from pba.errors import StoreUnavailable
from pba.store.tables import metadata

__all__ = ["require_privileges"]

_SEQUENCE_KEYS = {
    table.name: table.autoincrement_column.name
    for table in metadata.sorted_tables
    if table.autoincrement_column is not None
}
_LACKING = text(
    """
    SELECT name, privilege, to_regclass(name) IS NULL
      FROM unnest(CAST(:tables AS text[])) AS name,
           unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
     WHERE has_table_privilege(to_regclass(name), privilege) IS NOT TRUE
     UNION ALL
    SELECT sequence, 'USAGE', false
      FROM unnest(CAST(:tables AS text[]), CAST(:keys AS text[])) AS keyed (name, key),
           pg_get_serial_sequence(to_regclass(name)::text, key) AS sequence
     WHERE key IS NOT NULL AND NOT has_sequence_privilege(sequence, 'USAGE, UPDATE')
    """
)


def require_privileges(connection: Connection) -> None:
    """Check that the user may read and write every table; SQLite has no privileges.

    A database that is read-only as a whole passes: what is stored there can be read.

    Raises
    ------
    StoreUnavailable
        For a table that is missing or that the user may not use.
    """
    if connection.dialect.name != "postgresql":
        return
    tables = sorted(metadata.tables)
    parameters = {"tables": tables, "keys": [_SEQUENCE_KEYS.get(name) for name in tables]}
    lacking = defaultdict(list)
    missing = set()
    for name, privilege, absent in connection.execute(_LACKING, parameters):
        if absent:
            missing.add(name)
        else:
            lacking[name].append(privilege)
    if missing:
        raise StoreUnavailable(
            f"the telemetry store is away: it lacks the tables {', '.join(sorted(missing))}, or "
            "its user may not see them. Restore them from a backup, grant USAGE on their schema, "
            "or set PBA_STORE_URL to an empty database."
        )
    if lacking:
        rights = "; ".join(f"{', '.join(what)} ON {name}" for name, what in lacking.items())
        raise StoreUnavailable(
            f"the telemetry store is away: its user lacks {rights}. Grant that to the user of "
            "PBA_STORE_URL; a restart is not needed."
        )
