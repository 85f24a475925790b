"""`pba links`, `pba events` and `pba drift`: what a service knows of its links."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer

from pba.cli.json_output import AsJson, print_json, print_json_line
from pba.cli.service_options import Service, with_service
from pba.cli.terminal import activity, plain_table, print_table, shown
from pba.client import PBAClient

__all__ = ["drift", "events", "links"]

_PAGE = 1000


class Order(StrEnum):
    """What comes first: a name, the worst accuracy, the most drift, the longest silence."""

    NAME = "name"
    ACCURACY = "accuracy"
    DRIFT = "drift"
    SILENT = "silent"


Count = Annotated[int, typer.Option(min=1, max=100_000, help="The most lines.")]
Mode = Annotated[str | None, typer.Option(help="Only links of this mode.")]
Sort = Annotated[Order, typer.Option(help="In which order.")]
Begins = Annotated[str, typer.Option(help="Only links whose names begin so.")]
Kind = Annotated[str | None, typer.Option(help="Only events of this kind.")]
Link = Annotated[str | None, typer.Option(help="Only events of this link.")]
Follow = Annotated[bool, typer.Option("--follow", help="Go on with events as they happen.")]


@with_service
def links(
    service: Service,
    mode: Mode = None,
    begins: Begins = "",
    sort: Sort = Order.NAME,
    count: Count = 100,
    as_json: AsJson = False,
) -> None:
    """List links by name, or the worst, most drifted or longest silent first."""
    with activity("read the links"), service.client() as client:
        rows = [*islice(_links(client, mode, begins, sort), count)]
    if as_json:
        print_json(rows)
        return
    table = plain_table("link", "mode", "last sample", "in band", "forecasts", "drift", "leads")
    for row in rows:
        scored = row["hits"] + row["misses"]
        names = ("mode", "last_sample", "accuracy_20", "scored", "drift", "leader")
        cells = row | {"scored": scored}
        table.add_row(row["link_id"], *(shown(cells.get(name)) for name in names))
    print_table(table, "There is no such link.")


def _links(client: PBAClient, mode: str | None, begins: str, sort: Order) -> Any:
    """Yield links whose names begin with ``begins``, page after page."""
    by_name = sort is Order.NAME
    cursor: str | None = begins[:-1] if by_name else ""  # before the first that begins so
    order: dict[str, Any] = {} if by_name else {"search": begins, "sort": sort.value}
    while cursor is not None:
        page = client.links(mode, cursor, _PAGE, **order)
        for link in page["links"]:
            if link["link_id"].startswith(begins):
                yield link
            elif by_name and link["link_id"] > begins:
                return
        cursor = page["cursor"]


@with_service
def events(
    service: Service,
    kind: Kind = None,
    link: Link = None,
    count: Count = 20,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """List events, the newest last; with --follow also those to come."""
    with service.client() as client:
        rows = client.events(kind, link, limit=min(count, _PAGE))["events"][::-1]
        for row in rows:
            _print_event(row, as_json)
        if follow:
            last = rows[-1]["number"] if rows else None
            for event in client.watch_events(kind, link, after=last):
                _print_event(event.as_dict(), as_json)
        elif not rows:
            typer.echo("[]" if as_json else "There is no such event.")


def _print_event(event: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        print_json_line(event)
        return
    about = "" if event["link_id"] is None else f" {event['link_id']}"
    details = ", ".join(f"{name}={shown(value)}" for name, value in event["body"].items())
    typer.echo(f"{event['at']} {event['kind']}{about}: {details}")


@with_service
def drift(service: Service, as_json: AsJson = False) -> None:
    """List the open drift alarms: what changed, from what to what, and since when."""
    with service.client() as client:
        alarms = client.drift()
    if as_json:
        print_json(alarms)
        return
    headers = ("of", "what", "before", "after", "since", "confidence")
    table = plain_table(*headers, numbers_from=2)
    for alarm in alarms:
        for change in alarm["changes"]:
            cells = (change["before"], change["after"], _time(change["since_s"]))
            subject = alarm["link_id"] or f"mode {alarm['mode']}"
            table.add_row(subject, change["what"], *map(shown, cells), shown(change["confidence"]))
    print_table(table, "No drift alarm is open.")


def _time(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}"
