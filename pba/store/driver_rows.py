"""Wide reads past SQLAlchemy: the driver's rows, as tuples or as columns of numbers.

A row object of SQLAlchemy costs as much as reading the row. Thousands of tuples at a time cost the
garbage collector as much again, so numbers go into arrays row by row.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["driver_rows", "driver_table"]


def driver_rows(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement in the driver's own text form.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        As SQLAlchemy does where it reads rows itself.
    """
    with _cursor(connection, statement, parameters) as cursor:
        return list(cursor.fetchall())


def driver_table(
    connection: Connection, statement: str, parameters: Mapping[str, Any], columns: np.dtype[Any]
) -> NDArray[np.void]:
    """Return the rows of a statement, none of them null, as fields of ``columns``, ``(row,)``.

    Raises as `driver_rows`.
    """
    with _cursor(connection, statement, parameters) as cursor:
        # psycopg reads all rows at once much faster than one by one; SQLite's module does not.
        sqlite = connection.dialect.name == "sqlite"
        return np.fromiter(cursor if sqlite else cursor.fetchall(), dtype=columns)


@contextlib.contextmanager
def _cursor(connection: Connection, statement: str, parameters: Mapping[str, Any]) -> Iterator[Any]:
    result = connection.exec_driver_sql(statement, dict(parameters))
    errors = connection.dialect.loaded_dbapi.Error
    try:
        yield result.cursor
    except errors as error:
        raise DBAPIError.instance(statement, dict(parameters), error, errors) from error
    finally:
        result.close()
