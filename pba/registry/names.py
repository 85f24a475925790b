"""What a model and a version may be called, for both become parts of paths."""

import re

from pba.errors import InvalidRequest

__all__ = ["CHAMPION", "SHIPPED", "check", "is_name"]

CHAMPION = "champion"
SHIPPED = "shipped"
"""What stands for the model that the service comes with, in place of a version."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_name(name: object) -> bool:
    """Tell whether ``name`` can be the name of a model or a version."""
    good = isinstance(name, str) and _NAME.fullmatch(name) is not None
    return good and name not in (CHAMPION, SHIPPED)


def check(name: str, field: str) -> str:
    """Return ``name``, or raise `InvalidRequest` that blames ``field``."""
    if not is_name(name):
        raise InvalidRequest(
            f"{field} is {name!r}; it is 1-100 characters of A-Z a-z 0-9 . _ -, begins with a "
            f"letter or digit, and is neither {CHAMPION} nor {SHIPPED}.",
            field,
        )
    return name
