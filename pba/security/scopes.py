"""The links that a caller may see and change, as patterns of their names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pba.errors import InvalidInput, quoted

__all__ = ["EVERYTHING", "Scope"]

_PATTERN = re.compile(r"[A-Za-z0-9._:@>-]{1,200}|[A-Za-z0-9._:@>-]{0,199}\*")
_MAX_PATTERNS = 50


@dataclass(frozen=True, slots=True)
class Scope:
    """Names of links; one that ends with ``*`` stands for all names that begin with the rest.

    Parameters
    ----------
    patterns
        Up to 50 names or beginnings. ``*`` alone is every link.

    Raises
    ------
    InvalidInput
        For a pattern of another form, or none.

    Examples
    --------
    >>> scope = Scope(("fra1:*", "ams2:core"))
    >>> [scope.allows(name) for name in ("fra1:ams2", "fra10", "ams2:core", "ams2:core2")]
    [True, False, True, False]
    """

    patterns: tuple[str, ...] = ("*",)
    names: frozenset[str] = field(init=False, repr=False, compare=False)
    beginnings: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self.patterns)
        beginnings = [text[:-1] for text in self.patterns if text.endswith("*")]
        names = frozenset(text for text in self.patterns if not text.endswith("*"))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "beginnings", tuple(beginnings))

    @property
    def everything(self) -> bool:
        """Whether every link is in this scope, those that do not exist yet too."""
        return "" in self.beginnings

    def allows(self, link_id: str) -> bool:
        """Return whether the link is in this scope."""
        return link_id.startswith(self.beginnings) or link_id in self.names

    def allows_group(self, group: str) -> bool:
        """Return whether all links whose names begin with the group and a colon are in this scope.

        >>> [Scope(("fra1:*",)).allows_group(name) for name in ("fra1", "fra1:b", "fra", "fra10")]
        [True, True, False, False]
        """
        return f"{group}:".startswith(self.beginnings)

    def __str__(self) -> str:
        """Return the patterns, as a person writes them."""
        return ", ".join(self.patterns)


def _check(patterns: Sequence[str]) -> None:
    wrong = [text for text in patterns if not _PATTERN.fullmatch(text)]
    if wrong or not 1 <= len(patterns) <= _MAX_PATTERNS:
        received = quoted(wrong[0]) if wrong else f"{len(patterns)} patterns"
        raise InvalidInput(
            f"links is {received}; a scope has 1 to {_MAX_PATTERNS} names of links, of which a * "
            "may be the last character. Write fra1:* for all names that begin with fra1:",
            "links",
        )


EVERYTHING = Scope()
"""All links: what a key has unless it says otherwise."""
