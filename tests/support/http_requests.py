"""Requests that callers send by mistake or on purpose, at random."""

import copy
import gzip
import json
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

from deployments.ingress.examples import BODIES, LINK_ID

__all__ = ["body", "headers", "path", "query"]

WORDS = [
    *("", "0", "-1", "1", "1e400", "nan", "-inf", "9" * 400, "9223372036854775808", "1.5", "0x1"),
    *(
        "true",
        "null",
        "[]",
        "{}",
        "a",
        "..",
        "\0",
        "\ud7ff",
        "१२",
        "2026-03-01T12:00:00Z",
        "x" * 300,
    ),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-01", "internet", LINK_ID),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 1e308, 10**400, 2**63, [], {}, [[]], [None], {"": 0}),
    *WORDS,
    float("nan"),
    float("inf"),
]
PARAMETERS = (
    *("limit", "cursor", "from", "to", "since", "mode", "kind", "link_id", "allocation", ""),
    *("bytes", "deadline_s", "dirty_mbps"),
)
CHARACTERS = "aZ09 .-+_:@>/%&=?#\"'\\\t\n\0\x7fäß१→\U0001f600\ud800"
ASCII = "".join(map(chr, range(33, 127)))
HEADERS = {
    "Content-Encoding": ("gzip", "identity", "br", "gzip, gzip", ""),
    "X-Forwarded-Prefix": ("/pba", "/v1", "//a", "pba", "/a'b", "/" * 99),
    "Content-Type": ("application/json", "text/plain", "multipart/form-data", "x"),
}


def query(random: Random) -> str:
    """Return nothing, known and unknown parameters once or several times, or any text."""
    kind = random.random()
    if kind < 0.2:
        return ""
    if kind < 0.3:
        return "?" + "".join(random.choices(ASCII, k=random.randint(0, 20)))
    pairs = [(random.choice(PARAMETERS), _text(random)) for _ in range(random.randint(1, 3))]
    return "?" + urlencode(pairs, errors="replace")


def path(random: Random, template: str) -> str:
    """Return a path of a route, with a name that exists, or one that cannot be."""
    name = random.choice(("a", "internet", "v1", _text(random), _text(random)))
    part = random.randbytes(8) if random.random() < 0.1 else name.encode(errors="replace")
    start, brace, rest = template.partition("{")
    return start + quote_from_bytes(part, safe="") + rest.partition("}")[2] if brace else start


def headers(random: Random) -> dict[str, str]:
    """Return headers that the service reads, mostly none."""
    return {
        name: random.choice(values) for name, values in HEADERS.items() if random.random() < 0.1
    }


def body(random: Random) -> bytes:
    """Return an example of the documentation with a few changes, or bytes."""
    document: Any = copy.deepcopy(random.choice(list(BODIES.values())))
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        document = _changed(random, document)
    text = json.dumps(document).encode(errors="replace")
    at = random.randint(0, len(text))
    changes = {
        "none": text,
        "gzip": gzip.compress(text, 1, mtime=0),
        "cut": text[:at],
        "insert": text[:at] + random.randbytes(2) + text[at:],
        "mark": b"\xef\xbb\xbf" + text,
        "bytes": random.randbytes(20),
    }
    return changes[random.choice(("none", "none", "none", "none", *changes))]


def _text(random: Random) -> str:
    if random.random() < 0.6:
        return random.choice(WORDS)
    return "".join(random.choices(CHARACTERS, k=random.randint(1, 9)))


def _value(random: Random) -> Any:
    kind = random.random()
    if kind < 0.6:
        return copy.deepcopy(random.choice(VALUES))
    if kind < 0.8:
        return random.choice((1, -1)) * 10 ** random.uniform(-320, 308)
    return random.getrandbits(80) if kind < 0.9 else _text(random)


def _changed(random: Random, document: Any) -> Any:
    """Replace, remove, repeat or add something somewhere in ``document``."""
    places = list(_places(document))
    if not places:
        return _value(random)
    container, key = random.choice(places)
    change = random.choice(("replace", "replace", "remove", "add", "repeat"))
    if change == "replace":
        container[key] = _value(random)
    elif change == "remove":
        del container[key]
    else:
        value = _value(random) if change == "add" else copy.deepcopy(container[key])
        if isinstance(container, dict):
            container[_text(random)] = value
        else:
            container.insert(key, value)
    return document


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container in ``document`` with each of its keys."""
    if isinstance(document, dict):
        items = list(document.items())
    else:
        items = list(enumerate(document)) if isinstance(document, list) else []
    for key, value in items:
        yield document, key
        yield from _places(value)
