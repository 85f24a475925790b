"""The chain of audit rows: each holds the digest of the one before, so that none changes unseen.

Whoever may write the database can replace the whole chain. Against that helps a digest of the last
row that was kept elsewhere: it must still be in the chain.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any

from pba.security.author import Author
from pba.types import rfc3339_of

__all__ = ["GENESIS", "AuditEntry", "AuditRow", "ChainCheck", "chained"]

GENESIS = "0" * 64
"""The digest before the first row."""

_DOMAIN = b"pba audit row 1\n"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A change that is to be recorded.

    Parameters
    ----------
    action
        What was done, such as ``flags_changed``.
    subject
        To what: a link, a model, a key, or ``flags``.
    details
        What else there is to know; goes to JSON.
    """

    author: Author
    action: str
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A recorded change.

    Parameters
    ----------
    number
        Its place in the chain, from 1.
    at_us
        Microseconds since 1970, by the clock of the process that made the change.
    details
        JSON, as it is stored.
    previous, digest
        The digests of the row before and of this one, hexadecimal.
    """

    number: int
    at_us: int
    who: str
    on_behalf_of: str | None
    role: str
    action: str
    subject: str
    details: str
    previous: str
    digest: str

    @property
    def expected_digest(self) -> str:
        """The digest of all other fields."""
        fields = json.dumps(astuple(self)[:-1], separators=(",", ":"))
        return hashlib.sha256(_DOMAIN + fields.encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return the form that ``pba audit list --json`` prints."""
        return {
            "number": self.number,
            "at": rfc3339_of(self.at_us / 1e6),
            "who": self.who,
            "on_behalf_of": self.on_behalf_of,
            "role": self.role,
            "action": self.action,
            "subject": self.subject,
            "details": json.loads(self.details),
            "sha256": self.digest,
        }


def chained(entry: AuditEntry, number: int, previous: str, at_us: int) -> AuditRow:
    """Return the row of ``entry`` after the one with the digest ``previous``."""
    author, key_id = entry.author, entry.author.key_id
    details = {**entry.details, **({} if key_id is None else {"key_id": key_id})}
    text = json.dumps(details, sort_keys=True, separators=(",", ":"))
    names = (author.who, author.on_behalf_of, author.role, entry.action, str(entry.subject))
    digest = AuditRow(number, at_us, *names, text, previous, "").expected_digest
    return AuditRow(number, at_us, *names, text, previous, digest)


@dataclass(slots=True)
class ChainCheck:
    """Checks rows one after the other.

    Parameters
    ----------
    number, digest
        Of the row before the first that is checked.
    """

    number: int
    digest: str

    def fault(self, row: AuditRow) -> str | None:
        """Return what is wrong at ``row``, None if it follows what was checked before."""
        if row.number > self.number + 1:
            return f"rows {self.number + 1} to {row.number - 1} before it are missing"
        if row.number <= self.number:
            return "it was inserted: its number is none of the chain"
        if row.previous != self.digest:
            return "the row before it was changed, or this one was"
        if row.digest != row.expected_digest:
            return "it was changed"
        self.number, self.digest = row.number, row.digest
        return None
