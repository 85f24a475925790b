"""A scope as a condition of SQL."""

from sqlalchemy import ColumnElement, func, or_

from pba.security import Scope

__all__ = ["in_scope"]


def in_scope(column: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    """Return the condition that the link in ``column`` is in ``scope``; null never is.

    Not LIKE, which knows no case in SQLite, nor bounds, which follow the collation of a database.
    """
    begins = [func.substr(column, 1, len(text)) == text for text in scope.beginnings]
    return or_(column.in_(sorted(scope.names)), *begins)
