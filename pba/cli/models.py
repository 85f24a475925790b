"""`pba models`: publish model versions, and choose the champion."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console

from pba.cli.json_output import AlwaysJson, AsJson, print_json
from pba.cli.options import DEFAULT_STORE, user_at_host
from pba.cli.terminal import activity, plain_table
from pba.errors import StoreUnavailable
from pba.project import resolve
from pba.registry import Expected, Pointer, Registry
from pba.registry.promotion import Promoter
from pba.security import LOCAL, Author
from pba.security.audit_chain import AuditEntry
from pba.types import Event

__all__ = ["models"]

models = typer.Typer(no_args_is_help=True, help="Publish model versions and choose which serves.")

_clock = time.time  # noqa: TID251 - the clock that is passed in

Model = Annotated[str, typer.Argument(help="datacenter, internet or v1.")]
Version = Annotated[str, typer.Argument(help="A version that `pba models list` shows.")]
RegistryUrl = Annotated[
    str, typer.Option("--registry", envvar="PBA_REGISTRY", help="The registry: folder or URL.")
]
StoreUrl = Annotated[
    str,
    typer.Option("--store", envvar="PBA_STORE_URL", help="URL of the store with the event log."),
]
ExpectedChampion = Annotated[
    str | None,
    typer.Option("--expected", help="Refuse unless this is the champion: version or number."),
]
Reason = Annotated[
    str, typer.Option("--reason", "--why", help="Why, recorded in events and audit.")
]
Who = Annotated[str | None, typer.Option(help="Whom it is for. Default: user@host.")]
DEFAULT_REGISTRY = "data/registry"


@models.command()
def publish(
    folder: Annotated[str, typer.Argument(help="A folder that `python -m train` wrote.")],
    registry: RegistryUrl = DEFAULT_REGISTRY,
    who: Who = None,
) -> None:
    """Copy a model into the registry; it serves once it is promoted."""
    with activity(f"publish {folder}"):
        version = _open(registry).publish(folder, who or user_at_host())
    typer.echo(f"{version.model} {version.version} is published in {registry}.")
    typer.echo(f"Next: pba models promote {version.model} {version.version}")


@models.command("list")
def list_versions(
    model: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    registry: RegistryUrl = DEFAULT_REGISTRY,
    as_json: AsJson = False,
) -> None:
    """List published versions; * is the champion."""
    source = _open(registry)
    with activity("read the registry"):
        rows = [
            {"model": name, "champion": row["version"] == champion, **row}
            for name in ([model] if model else source.models())
            for champion in [source.champion(name).version]
            for row in source.versions(name)
        ]
    if as_json:
        print_json(rows)
    elif rows:
        _print_versions(rows)
    else:
        typer.echo(f"No version is published in {registry}. Next: pba models publish FOLDER")


def _print_versions(rows: Sequence[Mapping[str, Any]]) -> None:
    console = Console()
    table = plain_table("", "model", "version", "published", "by")
    for row in rows:
        mark = "*" if row["champion"] else ""
        cells = (row["model"], row["version"], row.get("at", "–"), row.get("who", "–"))
        table.add_row(mark, *cells)
    console.print(table)
    for row in rows:
        if "refused" in row:
            line = f"{row['model']} {row['version']} cannot be served: {row['refused']}"
            console.print(line, markup=False, highlight=False)


@models.command()
def show(
    model: Model,
    version: Annotated[
        str | None, typer.Argument(help="Print its card. Default: the history of champions.")
    ] = None,
    registry: RegistryUrl = DEFAULT_REGISTRY,
    as_json: AlwaysJson = True,
) -> None:
    """Print a version's card, or which versions have been champion, as JSON."""
    source = _open(registry)
    if version:
        print_json(source.card(model, version))
    else:
        print_json([pointer.as_dict() for pointer in source.history(model)])


@models.command()
def verify(model: Model, version: Version, registry: RegistryUrl = DEFAULT_REGISTRY) -> None:
    """Load a version as serving does: check its digests, shapes and golden outputs."""
    with activity(f"verify {model} {version}"):
        card = _open(registry).verify(model, version)
    typer.echo(f"{model} {version} is intact and reproduces its golden outputs.")
    typer.echo(f"sha256 {card['sha256']}")


@models.command()
def promote(
    model: Model,
    version: Version,
    expected: ExpectedChampion = None,
    reason: Reason = "",
    who: Who = None,
    registry: RegistryUrl = DEFAULT_REGISTRY,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Verify a version and make it champion."""
    promoter = _promoter(registry, store)
    with activity(f"verify {model} {version}"):
        champion = promoter.promote(model, version, _author(who), reason, _expected(expected))
    _print_champion(model, champion)


@models.command()
def rollback(
    model: Model,
    expected: ExpectedChampion = None,
    reason: Reason = "",
    who: Who = None,
    registry: RegistryUrl = DEFAULT_REGISTRY,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Restore the champion before this one; before the first, the shipped model serves."""
    promoter = _promoter(registry, store)
    champion = promoter.rollback(model, _author(who), reason, _expected(expected))
    _print_champion(model, champion)


def _open(registry: str) -> Registry:
    return Registry(resolve(registry), _clock)


def _promoter(registry: str, store: str) -> Promoter:
    from pba.store import Store

    event_store = Store(store, _clock)

    def log_event(event: Event, entry: AuditEntry | None = None) -> None:
        try:
            event_store.ready().add_events([event], [] if entry is None else [entry])
        except StoreUnavailable as error:
            typer.secho(f"pba: {event.kind} is not in event log and audit: {error}", err=True)

    return Promoter(_open(registry), log_event, _clock)


def _author(who: str | None) -> Author:
    """Return who has the registry itself, on behalf of whom the option names."""
    return LOCAL.acting_for(who or user_at_host())


def _expected(text: str | None) -> Expected:
    return int(text) if text and text.isdecimal() else text


def _print_champion(model: str, champion: Pointer) -> None:
    typer.echo(f"{champion.version} is champion of {model} (number {champion.number}).")
