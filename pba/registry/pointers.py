"""The champion pointers of each model: numbered files that are created once and never changed."""

import json
import re
import secrets
from dataclasses import asdict, dataclass, fields
from typing import Any

from pba.registry.files import Files
from pba.registry.names import CHAMPION, SHIPPED, is_name
from pba.types import rfc3339_of

__all__ = ["NONE", "SHIPPED", "UNREADABLE", "Expected", "Pointer", "Pointers"]

UNREADABLE = "?"
Expected = int | str | None
"""The champion that a caller has seen, by number or version; None for any."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which version is champion, since when, and why.

    Parameters
    ----------
    number
        Its place among the pointers of one model, from 1; 0 if the model has none yet.
    version
        A published version, or ``shipped`` for the model that is shipped with the service.
    action
        ``promoted``, ``rolled_back``, ``none`` for number 0, or ``unreadable``.
    back
        The number of the pointer that a rollback returns to; None if there is none.
    at_s
        Unix seconds.
    who, why
        The author and their reason.
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
        values = asdict(self)
        at_s = values.pop("at_s")
        return values | {"at": rfc3339_of(at_s) if at_s else None}


NONE = Pointer(0, SHIPPED, "none", None, 0.0, "", "")
"""The pointer of a model without any promotion."""


class Pointers:
    """Reads and adds pointers."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def newest(self, model: str, since: Pointer | None = None) -> Pointer:
        """Return the newest pointer; with ``since``, one read before, without listing them all."""
        number, content = since.number if since else self._highest(model), None
        while (newer := self._files.read(_file(model, number + 1))) is not None:
            number, content = number + 1, newer
        if since and number == since.number:
            return since
        return self.read(model, number, content)

    def read(self, model: str, number: int, content: bytes | None = None) -> Pointer:
        """Return one pointer; an unreadable file gives one with the reason as ``why``."""
        if number == 0:
            return NONE
        name = _file(model, number)
        try:
            body = json.loads(content or self._files.read(name) or b"missing")
            values = {field.name: body[field.name] for field in fields(Pointer)}
            _check(values, number)
            return Pointer(**values)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            why = f"{name} cannot be read: {error!r}"
            return Pointer(number, UNREADABLE, "unreadable", number - 1, 0.0, "", why)

    def add(self, model: str, pointer: Pointer) -> bool:
        """Add a pointer if its number is still free; return whether it was."""
        unique = {"id": secrets.token_hex(8)}  # so that equal pointers of two callers differ
        content = json.dumps(asdict(pointer) | unique, indent=1).encode()
        return self._files.create(_file(model, pointer.number), content)

    def _highest(self, model: str) -> int:
        names = self._files.names(f"{model}/{CHAMPION}")
        return max((int(name[:-5]) for name in names if _IS_POINTER.fullmatch(name)), default=0)


_IS_POINTER = re.compile(r"\d{8}\.json")


def _file(model: str, number: int) -> str:
    return f"{model}/{CHAMPION}/{number:08}.json"


def _check(values: dict[str, Any], number: int) -> None:
    version, back = values["version"], values["back"]
    valid = (
        values["number"] == number
        and (version == SHIPPED or is_name(version))
        and values["action"] in ("promoted", "rolled_back")
        and (back is None or (type(back) is int and 0 <= back < number))
        and all(isinstance(values[name], str) for name in ("who", "why"))
    )
    if not valid:
        raise ValueError(f"{values} is no pointer number {number}")
    rfc3339_of(values["at_s"])
