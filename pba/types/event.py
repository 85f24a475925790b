"""An event: something that happened to the service or to one of its links."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pba.types.times import rfc3339_of

__all__ = ["Event"]


@dataclass(frozen=True, slots=True)
class Event:
    """An event; ``number`` is its position in the order of all events."""

    kind: str
    at_s: float
    link_id: str | None
    body: dict[str, Any]
    number: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "number": self.number,
            "at": rfc3339_of(self.at_s),
            "kind": self.kind,
            "link_id": self.link_id,
            "body": self.body,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Return the event that ``body``, its wire form, describes."""
        at_s = datetime.fromisoformat(body["at"]).timestamp()
        return cls(body["kind"], at_s, body["link_id"], dict(body["body"]), body["number"])

    @property
    def text(self) -> str:
        """The body as JSON."""
        return json.dumps(self.body)
