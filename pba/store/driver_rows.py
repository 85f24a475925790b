"""Wide reads past SQLAlchemy: the driver's tuples, and columns of them as arrays.

A row object of SQLAlchemy costs as much as reading the row, and numpy takes it for no tuple.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from pba.types import Floats

__all__ = ["columns_of", "driver_rows", "floats_of", "integers_of"]


def driver_rows(
    connection: Connection, statement: str, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Return the rows of a statement in the driver's own text form.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        As SQLAlchemy does where it reads rows itself.
    """
    result = connection.exec_driver_sql(statement, dict(parameters))
    cursor: Any = result.cursor
    try:
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raised = DBAPIError.instance(
            statement, dict(parameters), error, connection.dialect.loaded_dbapi.Error
        )
        raise raised from error
    result.close()
    return rows


def columns_of(rows: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    """Return the ``count`` columns of ``rows``, which may be none."""
    return list(zip(*rows, strict=True)) if rows else [()] * count


def integers_of(column: Sequence[int]) -> np.ndarray:
    """Return a column as integers, of the same length."""
    return np.fromiter(column, dtype=np.int64, count=len(column))


def floats_of(column: Sequence[float | None]) -> Floats:
    """Return a column as numbers, NaN for null, of the same length."""
    return np.array(column, dtype=float)  # None becomes NaN
