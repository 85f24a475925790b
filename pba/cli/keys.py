"""`pba keys`: create, list, rotate and revoke the keys of callers, with access to the store."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from pba.cli.json_output import AsJson, print_json
from pba.cli.key_places import KeyFile, KeyPlace
from pba.cli.options import DEFAULT_STORE, user_at_host
from pba.cli.terminal import plain_table
from pba.errors import InvalidInput, NotFound, quoted
from pba.security import LOCAL, KeyRecord, Role, Scope, new_key
from pba.security.limits import Limits

__all__ = ["duration_s", "keys"]

keys = typer.Typer(no_args_is_help=True, help="Create, list, rotate and revoke keys of callers.")

_clock: Callable[[], float] = time.time  # noqa: TID251 - the clock that is passed in

StoreUrl = Annotated[
    str, typer.Option("--store", envvar="PBA_STORE_URL", help="URL of the store with the keys.")
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", help="A file of keys instead of the store, for PBA_KEYS_FILE."),
]
Key = Annotated[str, typer.Argument(help="The id that `pba keys list` shows, or its name.")]

_UNITS_S = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


@keys.command()
def create(
    role: Annotated[Role, typer.Option(help="What the caller may do, see docs/security.md.")],
    name: Annotated[str, typer.Option(help="Whose key it is.")],
    links: Annotated[
        list[str] | None,
        typer.Option(help="A link, or fra1:* for all that begin so; repeatable. Default: all."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="How long it is valid, as 90d, 12h. Default: for good.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="How much it may send, as requests_per_s=50, samples_per_s=5000, in_flight=20, "
            "body_mb=4 or max_links=1000; repeatable. Default: as its role."
        ),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    file: FileOption = None,
) -> None:
    """Create a key and print it, which nothing can do a second time."""
    now_s = _clock()
    expires_s = None if expires is None else now_s + duration_s(expires)
    scope = Scope(tuple(links or ["*"]))
    record, key = new_key(name, role, now_s, scope, expires_s, _limits(limit or []))
    _place(store, file).add(record)
    _announce(f"Key {record.key_id}: {_summary(record)}.")
    typer.echo(key)
    _announce(
        "It is not shown again. Send it as Authorization: Bearer KEY, or set PBA_API_KEY for pba."
    )


@keys.command("list")
def list_keys(
    store: StoreUrl = DEFAULT_STORE, file: FileOption = None, as_json: AsJson = False
) -> None:
    """List all keys, also those that are not valid any more."""
    records, now_s = _place(store, file).records(), _clock()
    if as_json:
        print_json([_document(record, now_s) for record in records])
        return
    if not records:
        typer.echo("There are no keys. Next: pba keys create --role admin --name NAME")
        return
    table = plain_table("id", "name", "role", "links", "created", "state")
    for record in records:
        state = _state(record, now_s)
        created = _day(record.created_s)
        table.add_row(record.key_id, record.name, record.role, str(record.scope), created, state)
    Console().print(table, markup=False, highlight=False)


@keys.command()
def revoke(key: Key, store: StoreUrl = DEFAULT_STORE, file: FileOption = None) -> None:
    """End a key; every replica refuses it within two seconds."""
    place = _place(store, file)
    record = _only_one(place.records(), key, _clock())
    place.revoke(record.key_id)
    typer.echo(f"Key {record.key_id} of {record.name} is revoked.")


@keys.command()
def rotate(
    key: Key,
    overlap: Annotated[
        str, typer.Option(help="How long the old key stays valid, as 24h; 0m for not at all.")
    ] = "24h",
    store: StoreUrl = DEFAULT_STORE,
    file: FileOption = None,
) -> None:
    """Create a key like another, which ends after the overlap; print the new one."""
    now_s, place = _clock(), _place(store, file)
    old = _only_one(place.records(), key, now_s)
    lasts_s = None if old.expires_s is None else old.expires_s - old.created_s
    expires_s = None if lasts_s is None else now_s + lasts_s
    record, text = new_key(old.name, old.role, now_s, old.scope, expires_s, old.limits)
    place.rotate(old.key_id, record, now_s + duration_s(overlap))
    _announce(f"Key {record.key_id} replaces {old.key_id}: {_summary(record)}.")
    typer.echo(text)
    _announce(f"It is not shown again. The old key is valid for another {overlap}.")


def duration_s(text: str) -> float:
    """Return the seconds that ``text`` says.

    >>> duration_s("90d"), duration_s("15m")
    (7776000.0, 900.0)

    Raises
    ------
    InvalidInput
        If it is no number with a unit.
    """
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text, re.ASCII)
    if match is None:
        raise InvalidInput(
            f"{quoted(text)} is no duration; it is a number and a unit, m, h, d or w. Write 90d "
            "for ninety days."
        )
    return float(match[1]) * _UNITS_S[match[2]]


def _limits(texts: list[str]) -> Limits:
    pairs = [text.partition("=") for text in texts]
    return Limits.from_dict({name: value for name, _, value in pairs})


def _place(store: str, file: Path | None) -> KeyPlace:
    if file is not None:
        return KeyFile(file, _clock)
    from pba.store import Store

    return Store(store, _clock).keys.by(LOCAL.acting_for(user_at_host()))


def _only_one(records: list[KeyRecord], key: str, now_s: float) -> KeyRecord:
    """Return the key with the id ``key``, or the only valid one of that name."""
    for record in records:
        if record.key_id == key:
            return record
    named = [record for record in records if record.name == key and record.is_valid(now_s)]
    if len(named) > 1:
        ids = ", ".join(record.key_id for record in named)
        raise InvalidInput(f"{len(named)} valid keys have the name {key}: {ids}. Give the id.")
    if not named:
        raise NotFound(
            f"no key has the id, and no valid key the name {quoted(key)}. pba keys list shows all."
        )
    return named[0]


def _document(record: KeyRecord, now_s: float) -> dict[str, Any]:
    document = record.as_dict() | {"state": _state(record, now_s)}
    del document["sha256"]  # whoever checks a key needs it, and nobody else
    return document


def _state(record: KeyRecord, now_s: float) -> str:
    if record.revoked_s is not None and record.revoked_s <= now_s:
        return f"revoked {_day(record.revoked_s)}"
    ends = [end for end in (record.expires_s, record.revoked_s) if end is not None]
    if not ends:
        return "valid"
    return f"{'valid until' if min(ends) > now_s else 'expired'} {_day(min(ends))}"


def _summary(record: KeyRecord) -> str:
    until = "" if record.expires_s is None else f", valid until {_day(record.expires_s)}"
    return f"{record.role} of {record.scope} for {record.name}{until}"


def _day(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M")


def _announce(line: str) -> None:
    """Print ``line`` to stderr, so that stdout holds the key alone."""
    typer.echo(line, err=True)
