"""`pba audit`: who changed what, whether that was altered since, and which calls were refused."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pba.cli.json_output import AsJson, print_json
from pba.cli.options import DEFAULT_STORE
from pba.cli.terminal import activity, plain_table, print_table
from pba.errors import NotFound, quoted

if TYPE_CHECKING:
    from pba.store import Store

__all__ = ["audit"]

audit = typer.Typer(no_args_is_help=True, help="Read and verify who changed what.")

_clock: Callable[[], float] = time.time  # noqa: TID251 - the clock that is passed in

StoreUrl = Annotated[
    str, typer.Option("--store", envvar="PBA_STORE_URL", help="URL of the store with the audit.")
]
Count = Annotated[int, typer.Option(min=1, max=10_000, help="The most lines.")]


@audit.command("list")
def list_changes(
    store: StoreUrl = DEFAULT_STORE, count: Count = 50, as_json: AsJson = False
) -> None:
    """List changes, the newest first."""
    rows = [row.as_dict() for row in _open(store).audit.rows(count)]
    if as_json:
        print_json(rows)
        return
    columns = ("number", "at", "who", "on_behalf_of", "role", "action", "subject")
    _print_rows(columns, rows, "Nothing was changed yet.")


@audit.command()
def verify(
    store: StoreUrl = DEFAULT_STORE,
    sha256: Annotated[
        str | None,
        typer.Option("--expect", help="A sha256 printed before, which must still be there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check that no row was changed, removed or inserted; ends with status 1 if one was."""
    table = _open(store).audit
    with activity("verify the audit"):
        result = table.verify()
    if as_json:
        print_json(asdict(result))
    if result.broken is not None:
        typer.echo(f"Row {result.broken} is broken: {result.fault}.", err=True)
        typer.echo(f"The {result.rows} rows before it are intact.", err=True)
        raise typer.Exit(1)
    if sha256 is not None and not table.has(sha256):
        raise NotFound(
            f"no row has the sha256 {quoted(sha256)}: the audit was replaced since, or the row is "
            "older than PBA_AUDIT_RETENTION_DAYS. Compare with a backup."
        )
    if not as_json:
        typer.echo(
            f"{result.rows} rows are intact. The last is {result.last}: sha256 {result.digest}"
        )


@audit.command()
def refusals(store: StoreUrl = DEFAULT_STORE, count: Count = 50, as_json: AsJson = False) -> None:
    """List how many calls were refused, by minute, address and key, the newest first."""
    rows = [row.as_dict() for row in _open(store).refusals.rows(count)]
    if as_json:
        print_json(rows)
        return
    columns = ("minute", "address", "key_id", "unauthenticated", "forbidden")
    _print_rows(columns, rows, "No call was refused.")


def _open(url: str) -> "Store":
    from pba.store import Store

    return Store(url, _clock)


def _print_rows(columns: Iterable[str], rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    table = plain_table(*(name.replace("_", " ") for name in columns))
    for row in rows:
        table.add_row(*("–" if row[name] is None else str(row[name]) for name in columns))
    print_table(table, empty)
