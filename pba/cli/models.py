"""`pba models`: publish model versions, and say which one is champion."""

import getpass
import json
import socket
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pba.errors import StoreUnavailable
from pba.registry import Expected, Pointer, Registry
from pba.registry.promotion import Promoter
from pba.store import Store
from pba.types import Event

__all__ = ["models"]

models = typer.Typer(no_args_is_help=True, help="Publish model versions and choose which serves.")

_clock = time.time  # noqa: TID251 - the clock that is passed in

Model = Annotated[str, typer.Argument(help="datacenter, internet, …")]
Version = Annotated[str, typer.Argument(help="As `pba models list` names it.")]
Root = Annotated[
    str, typer.Option("--registry", envvar="PBA_REGISTRY", help="The registry: folder or URL.")
]
StoreUrl = Annotated[
    str, typer.Option("--store", envvar="PBA_STORE_URL", help="Where the change is told.")
]
Seen = Annotated[
    str | None, typer.Option("--expected", help="The champion it replaces: version or number.")
]
Why = Annotated[str, typer.Option(help="Told with the change.")]
Who = Annotated[str | None, typer.Option(help="Told with the change; user@host unless given.")]
ROOT, STORE = "data/registry", "sqlite:///data/pba.db"


@models.command()
def publish(
    folder: Annotated[str, typer.Argument(help="What `python -m train` wrote.")],
    registry: Root = ROOT,
    who: Who = None,
) -> None:
    """Copy a model into the registry; it serves once it is promoted."""
    made = Registry(registry, _clock).publish(folder, who or _user())
    typer.echo(f"{made.model} {made.version} is published in {registry}.")


@models.command("list")
def list_versions(
    model: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    registry: Root = ROOT,
) -> None:
    """List published versions; * is the champion."""
    opened = Registry(registry, _clock)
    table = Table("model", "version", "champion", "published", "by", "refused")
    for name in [model] if model else opened.models():
        champion = opened.champion(name).version
        for told in opened.versions(name):
            mark = "*" if told["version"] == champion else ""
            rest = (told.get(key, "") for key in ("at", "who", "refused"))
            table.add_row(name, told["version"], mark, *rest)
    Console().print(table)


@models.command()
def show(
    model: Model,
    version: Annotated[str | None, typer.Argument(help="Its card; else the history.")] = None,
    registry: Root = ROOT,
) -> None:
    """Print a version's card, or which versions have been champion, as JSON."""
    opened = Registry(registry, _clock)
    if version:
        _print(opened.card(model, version))
    else:
        _print([pointer.as_dict() for pointer in opened.history(model)])


@models.command()
def verify(model: Model, version: Version, registry: Root = ROOT) -> None:
    """Load a version as serving would: sums, shapes, golden answers."""
    card = Registry(registry, _clock).verify(model, version)
    typer.echo(f"{model} {version} is whole and answers as it should; sha256 {card['sha256']}.")


@models.command()
def promote(
    model: Model,
    version: Version,
    expected: Seen = None,
    why: Why = "",
    who: Who = None,
    registry: Root = ROOT,
    store: StoreUrl = STORE,
) -> None:
    """Verify a version and make it champion."""
    champions = _champions(registry, store)
    _say(model, champions.promote(model, version, who or _user(), why, _seen(expected)))


@models.command()
def rollback(
    model: Model,
    expected: Seen = None,
    why: Why = "",
    who: Who = None,
    registry: Root = ROOT,
    store: StoreUrl = STORE,
) -> None:
    """Make the champion before this one champion again; before the first is the shipped model."""
    champions = _champions(registry, store)
    _say(model, champions.rollback(model, who or _user(), why, _seen(expected)))


def _champions(registry: str, store: str) -> Promoter:
    opened = Store(store, _clock)

    def tell(event: Event) -> None:
        try:
            opened.ready().add_events([event])
        except StoreUnavailable as error:
            typer.secho(f"pba: {event.kind} is in no log of events: {error}", err=True)

    return Promoter(Registry(registry, _clock), tell, _clock)


def _seen(expected: str | None) -> Expected:
    return int(expected) if expected and expected.isdigit() else expected


def _user() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _say(model: str, made: Pointer) -> None:
    typer.echo(f"{made.version} is champion of {model} (number {made.number}).")


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1))
