"""Server-sent events out of the text of a stream: section 9.2 of the HTML standard."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["EventDecoder", "ServerEvent"]

_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")  # a \n may follow the last \r in the next piece of text


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its kind, its data, and the id after which the stream goes on."""

    kind: str
    data: str
    id: str


class EventDecoder:
    r"""Reads one stream, whose text comes in pieces of any size.

    Comments and events without data yield nothing. Times to connect again are ignored.

    Examples
    --------
    >>> decoder = EventDecoder()
    >>> list(decoder.events("id: 7\nevent: drift\ndata: {"))
    []
    >>> list(decoder.events("}\n\n"))
    [ServerEvent(kind='drift', data='{}', id='7')]
    """

    def __init__(self) -> None:
        self._rest = ""
        self._id = ""
        self._kind = ""
        self._data: list[str] = []

    def events(self, text: str) -> Iterator[ServerEvent]:
        """Yield the events that ``text`` completes."""
        *lines, self._rest = _LINE_END.split(self._rest + text)
        for line in lines:
            if line:
                self._read(line)
                continue
            if data := "\n".join(self._data):
                yield ServerEvent(self._kind or "message", data, self._id)
            self._kind, self._data = "", []

    def _read(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._kind = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
