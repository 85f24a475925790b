"""A caller who is known, and what it may do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pba.errors import Forbidden, quoted
from pba.security.author import LOCAL, Author, clean_text
from pba.security.calls import CALLS, Reach
from pba.security.keys import KeyRecord
from pba.security.limits import UNLIMITED, Limits
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING, Scope

__all__ = ["ANYBODY", "Identity"]

_LONGEST_NAME = 200  # in the audit; that of a token may be longer


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, with which role, for which links.

    Parameters
    ----------
    name
        The name of the key; ``oidc:`` and what the token says, or ``cert:`` and a name in the
        certificate; None for a caller of a service without keys.
    """

    name: str | None
    role: Role
    scope: Scope
    key_id: str | None = None
    limits: Limits = UNLIMITED

    @classmethod
    def of(cls, record: KeyRecord) -> "Identity":
        """Return the identity of who holds the key of ``record``."""
        return cls(record.name, record.role, record.scope, record.key_id, record.limits)

    @property
    def records(self) -> bool:
        """Whether what is sent and computed may be stored under the name of a link."""
        return self.role.includes(Role.REPORTER)

    def author(self, on_behalf_of: str | None = None) -> Author:
        """Return the caller as the author of a change, for whom the caller names."""
        if self.name is None:
            return LOCAL.acting_for(on_behalf_of)
        name = clean_text(self.name, _LONGEST_NAME)
        author = Author(name, self.role.value, key_id=self.key_id)
        return author.acting_for(on_behalf_of)

    def require(self, call: str | None) -> None:
        """Check the role, and for calls about all links the scope.

        Raises
        ------
        Forbidden
            If the role or the scope does not suffice, or `CALLS` does not list ``call``.
        """
        rule = None if call is None else CALLS.get(call)
        if rule is None:
            raise Forbidden("no role may make this call: it is in no table of rights. Report it.")
        self._require_role(rule.role, f"the call {call}")
        if rule.reach is Reach.ALL:
            self.require_everything(f"the call {call}")

    def require_everything(self, what: str) -> None:
        """Check that the scope is all links; raises `Forbidden`."""
        if not self.scope.everything:
            raise Forbidden(
                f"{what} is about all links; {self._shown} is for {self.scope}. Use a key whose "
                "links are *."
            )

    @property
    def calls(self) -> list[str]:
        """The calls that the caller may make, for the links in scope."""
        return [call for call in CALLS if self._may(call)]

    def _may(self, call: str) -> bool:
        try:
            self.require(call)
        except Forbidden:
            return False
        return True

    def require_link(self, link_id: str) -> None:
        """Check that a link is in scope; raises `Forbidden`."""
        if error := self.link_error(link_id):
            raise error

    def link_error(self, link_id: str) -> Forbidden | None:
        """Return why a link may not be seen or changed, None if it may."""
        if self.scope.allows(link_id):
            return None
        return Forbidden(
            f"link_id is {quoted(link_id)}; {self._shown} is for {self.scope}. Use a key "
            "for that link.",
            "link_id",
        )

    def recording_error(self, link_id: str) -> Forbidden | None:
        """Return why nothing may be stored for a link, None if it may."""
        try:
            self._require_role(Role.REPORTER, "a history with a link_id, which is stored,")
        except Forbidden as error:
            return Forbidden(error.message, "link_id")
        return self.link_error(link_id)

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form of `GET /v1/whoami`."""
        patterns: Sequence[str] = self.scope.patterns
        return {
            "name": self.name,
            "key_id": self.key_id,
            "role": self.role.value,
            "links": list(patterns),
        }

    def _require_role(self, role: Role, what: str) -> None:
        if not self.role.includes(role):
            raise Forbidden(
                f"{what} needs the role {role}; {self._shown} has the role {self.role}. "
                f"Use a key with the role {role}."
            )

    @property
    def _shown(self) -> str:
        if self.key_id is not None:
            return f"the key {self.name} ({self.key_id})"
        return "the caller" if self.name is None else f"the caller {self.name}"


ANYBODY = Identity(None, Role.ADMIN, EVERYTHING)
"""Who calls a service that has no keys, and Ray handles: all is allowed."""
