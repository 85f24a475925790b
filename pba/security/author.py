"""Who makes a change: the authenticated name, and whom the caller makes it for."""

from dataclasses import dataclass, replace
from typing import Self

__all__ = ["LOCAL", "SERVICE", "Author", "clean_text"]

_LONGEST = 100
SERVICE = "service"
"""The role of what the service does by itself; no key has it."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change, as the audit records it.

    Parameters
    ----------
    who
        The name of the key; ``local`` where none is needed.
    role
        The role of the key, or `SERVICE`.
    on_behalf_of
        Whom the caller names. Nothing checks it.
    key_id
        Which key it was: several may have one name.
    """

    who: str
    role: str
    on_behalf_of: str | None = None
    key_id: str | None = None

    def acting_for(self, person: str | None) -> Self:
        """Return the author on behalf of ``person``, as far as that is text one can print."""
        return replace(self, on_behalf_of=clean_text(person or "") or None)


def clean_text(text: str, longest: int = _LONGEST) -> str:
    r"""Return ``text`` on one line, without control characters, of at most ``longest`` characters.

    >>> clean_text("anna\nadmin")
    'anna admin'
    """
    printable = "".join(mark if mark.isprintable() else " " for mark in text[: 2 * longest])
    return printable.strip()[:longest].rstrip()


LOCAL = Author("local", "admin")
"""Who calls a service that needs no key, or has the database itself."""
