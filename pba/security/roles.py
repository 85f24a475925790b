"""The roles of callers: each may do all that the one before it may."""

from enum import StrEnum

from pba.errors import InvalidInput, quoted

__all__ = ["Role", "parse_role"]


class Role(StrEnum):
    """What a caller may do at most.

    >>> Role.OPERATOR.includes(Role.REPORTER), Role.READER.includes(Role.REPORTER)
    (True, False)
    """

    READER = "reader"
    REPORTER = "reporter"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Return whether who has this role may do what ``other`` may."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER = tuple(Role)


def parse_role(text: str) -> Role:
    """Return the role called ``text``.

    Raises
    ------
    InvalidInput
        For any other text.
    """
    try:
        return Role(text)
    except ValueError:
        raise InvalidInput(
            f"role is {quoted(text)}; it is one of {', '.join(Role)}. Choose the first that "
            "suffices.",
            "role",
        ) from None
