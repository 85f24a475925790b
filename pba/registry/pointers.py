"""The champion pointers of each model: numbered files, created once and never changed."""

import json
import re
import secrets
from dataclasses import asdict, dataclass, fields
from typing import Any

from pba.registry import names
from pba.registry.files import Files
from pba.registry.names import CHAMPION, SHIPPED
from pba.types import rfc3339_of

__all__ = ["NONE", "SHIPPED", "UNREADABLE", "Expected", "Pointer", "Pointers"]

UNREADABLE = "?"
Expected = int | str | None
"""The champion that a caller saw: its number or version; None for whichever it is."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which version is champion since when, and why.

    Parameters
    ----------
    number
        Its place among the pointers of one model, from 1 on; 0 stands for none yet.
    version
        A published version, or ``shipped`` for the model that the service comes with.
    action
        ``promoted``, ``rolled_back``, ``none`` for number 0, or ``unreadable``.
    back
        The number that a rollback returns to; None where there is nothing to return to.
    at_s
        Unix seconds.
    who, why
        As given by whoever did it.
    """

    number: int
    version: str
    action: str
    back: int | None
    at_s: float
    who: str
    why: str

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        told = asdict(self)
        at_s = told.pop("at_s")
        return told | {"at": rfc3339_of(at_s) if at_s else None}


NONE = Pointer(0, SHIPPED, "none", None, 0.0, "", "")
"""The pointer of a model that nobody has promoted a version of."""


class Pointers:
    """Reads and adds pointers."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def newest(self, model: str, since: Pointer | None = None) -> Pointer:
        """Return the newest pointer; ``since``, one known already, saves listing them all."""
        number, content = since.number if since else self._highest(model), None
        while (newer := self._files.read(_file(model, number + 1))) is not None:
            number, content = number + 1, newer
        if since and number == since.number:
            return since
        return self.read(model, number, content)

    def read(self, model: str, number: int, content: bytes | None = None) -> Pointer:
        """Return one pointer; a file that cannot be read points to nothing, and ``why`` says so."""
        if number == 0:
            return NONE
        name = _file(model, number)
        try:
            told = json.loads(content or self._files.read(name) or b"missing")
            parts = {field.name: told[field.name] for field in fields(Pointer)}
            _check(parts, number)
            return Pointer(**parts)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            why = f"{name} cannot be read: {error!r}"
            return Pointer(number, UNREADABLE, "unreadable", number - 1, 0.0, "", why)

    def add(self, model: str, pointer: Pointer) -> bool:
        """Add a pointer if its number is free still, and return whether it was."""
        unlike_any_other = {"id": secrets.token_hex(8)}  # so that nobody takes another's for theirs
        content = json.dumps(asdict(pointer) | unlike_any_other, indent=1).encode()
        return self._files.create(_file(model, pointer.number), content)

    def _highest(self, model: str) -> int:
        found = self._files.names(f"{model}/{CHAMPION}")
        return max((int(name[:-5]) for name in found if _IS_POINTER.fullmatch(name)), default=0)


_IS_POINTER = re.compile(r"\d{8}\.json")


def _file(model: str, number: int) -> str:
    return f"{model}/{CHAMPION}/{number:08}.json"


def _check(told: dict[str, Any], number: int) -> None:
    version, back = told["version"], told["back"]
    texts = all(isinstance(told[name], str) for name in ("who", "why"))
    named = version == SHIPPED or names.is_name(version)
    acted = told["action"] in ("promoted", "rolled_back")
    returns = back is None or (type(back) is int and 0 <= back < number)
    if not (texts and named and acted and returns and told["number"] == number):
        raise ValueError(f"{told} is no pointer number {number}")
    rfc3339_of(told["at_s"])
