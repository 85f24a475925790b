"""Every failure of the database is one error: `StoreUnavailable`, which gives the cause."""

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import URL
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
    TimeoutError as PoolTimeout,
)

from pba.errors import RowsRefused, StoreUnavailable

__all__ = ["concerns_schema", "sqlstate", "translated_errors", "unavailable"]

_SECRET_OPTIONS = ("password", "sslpassword")
_NO_PRIVILEGE = "42501"
_REMEDY = "Try again; if it stays so, see that PBA_STORE_URL answers and has room."
_FILE = (
    "Try again; if it stays so, see that the service may write {} and its folder, and that the "
    "disk has room (PBA_STORE_URL)."
)
_GRANT = (
    "Grant the user of PBA_STORE_URL the missing privilege (docs/operations.md#the-store); a "
    "restart is not needed."
)


@contextlib.contextmanager
def translated_errors(url: URL) -> Iterator[None]:
    """Raise `StoreUnavailable` for what the database at ``url`` refuses or does not answer.

    Raises
    ------
    RowsRefused
        Where the cause are the rows of one statement, so others may be accepted.
    """
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise RowsRefused(
            f"the telemetry store refuses what is written: {_cause(error, url)}. Other writes go "
            "on; see that no other program has changed its tables."
        ) from error
    except (DBAPIError, PoolTimeout, OSError) as error:
        if _is_defect(error):
            raise
        raise unavailable(error, url) from error


def unavailable(error: Exception, url: URL) -> StoreUnavailable:
    """Return the error for a database at ``url`` that failed with ``error``."""
    remedy = _GRANT if sqlstate(error) == _NO_PRIVILEGE else _REMEDY
    if url.get_backend_name() == "sqlite":
        remedy = _FILE.format(url.database)
    return StoreUnavailable(f"the telemetry store is away: {_cause(error, url)}. {remedy}")


def concerns_schema(error: BaseException | None) -> bool:
    """Whether ``error`` may come from tables or privileges that have changed."""
    if isinstance(error, ProgrammingError):
        return True
    cause = getattr(error, "orig", None)
    return isinstance(cause, sqlite3.OperationalError) and "no such" in str(cause)


def _is_defect(error: Exception) -> bool:
    """Whether a statement never reached the server, because this package built it wrongly."""
    return isinstance(error, ProgrammingError) and sqlstate(error) is None


def sqlstate(error: BaseException | None) -> str | None:
    """Return PostgreSQL's code of ``error``, which the server adds and the driver does not."""
    code: str | None = getattr(getattr(error, "orig", None), "sqlstate", None)
    return code


def _cause(error: Exception, url: URL) -> str:
    """Return the first line of the driver's message, without passwords."""
    cause = getattr(error, "orig", None) or error
    text = str(cause).strip().split("\n")[0] or type(cause).__name__
    for secret in (url.password, *map(url.query.get, _SECRET_OPTIONS)):
        if isinstance(secret, str) and secret:
            text = text.replace(secret, "***")
    return text
