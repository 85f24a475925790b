"""The rule for names of models and versions, which become parts of paths."""

import re

from pba.errors import InvalidRequest, quoted

__all__ = ["CHAMPION", "SHIPPED", "check", "is_name"]

CHAMPION = "champion"
SHIPPED = "shipped"
"""The version of the model that is shipped with the service."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_name(name: object) -> bool:
    """Return whether ``name`` can be the name of a model or a version."""
    valid = isinstance(name, str) and _NAME.fullmatch(name) is not None
    return valid and name not in (CHAMPION, SHIPPED)


def check(name: str, field: str) -> str:
    """Return ``name``; raises `InvalidRequest` for ``field`` if it is not valid."""
    if not is_name(name):
        raise InvalidRequest(
            f"{field} is {quoted(name)}; it is 1-100 characters of A-Z a-z 0-9 . _ -, begins with "
            f"a letter or digit, and is neither {CHAMPION} nor {SHIPPED}.",
            field,
        )
    return name
