"""What the table in docs/security.md says, which tests hold against the service."""

import re
from pathlib import Path
from typing import NamedTuple

_PAGE = Path(__file__).parents[2] / "docs/security.md"
SCOPES: dict[str, tuple[str, ...]] = {
    "all links": (),
    "the link's": ("fra1:*", "x"),
    "another's": ("ams2:*",),
}
"""The links of a key that calls for fra1:a."""


class Row(NamedTuple):
    """What the table says of one call."""

    rights: dict[str, str]
    other_links: str


def table() -> dict[str, Row]:
    """Return the rows of the table by method and path, or gRPC method."""
    _, text, _ = re.split(r"<!-- (?:end of )?rights -->\n?", _PAGE.read_text())
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    head, _, *lines = cells
    roles = head[1:-1]
    return {
        way: Row(dict(zip(roles, rights, strict=True)), other_links)
        for ways, *rights, other_links in lines
        for way in re.findall(r"`([^`]+)`", ways)
    }


TABLE = table()
