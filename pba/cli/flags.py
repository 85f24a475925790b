"""`pba flags` and `pba rollout`: which arm answers, and how the arms compare."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pba.cli.json_output import AlwaysJson, AsJson, print_json
from pba.cli.options import user_at_host
from pba.cli.service_options import Service, with_service
from pba.errors import InvalidRequest
from pba.rollout import Arm

__all__ = ["flags", "rollout"]

flags = typer.Typer(no_args_is_help=True, help="Read and change the flags of a running service.")
rollout = typer.Typer(no_args_is_help=True, help="Compare v3 with v1.")

_FIGURES = ("accuracy_20", "mae_mbps", "bias_mbps", "latency_ms")


@flags.command("get")
@with_service
def get_flags(service: Service, as_json: AlwaysJson = True) -> None:
    """Print the flags, their version, and who changed them last."""
    with service.client() as client:
        print_json(client.flags())


@flags.command("set")
@with_service
def set_flags(
    changes: Annotated[
        list[str], typer.Argument(help="NAME=VALUE, as in v3_rollout_percentage=10 shadow=true.")
    ],
    service: Service,
    version: Annotated[
        int | None, typer.Option(help="The version that is changed. Default: the present one.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Whom it is for. Default: user@host.")] = None,
    reason: Annotated[str, typer.Option(help="Why; recorded in events and audit.")] = "",
    as_json: AlwaysJson = True,
) -> None:
    """Change flags; the change reaches every replica within two seconds."""
    values = dict(_change(text) for text in changes)
    with service.client() as client:
        current = client.flags()["version"] if version is None else version
        print_json(client.set_flags(values, current, who or user_at_host(), reason))


def _change(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise InvalidRequest(
            f"{text!r} is no change of a flag; it is NAME=VALUE with true, false or a number."
        ) from None


@rollout.command()
@with_service
def report(
    service: Service,
    since: Annotated[
        str | None,
        typer.Option(help="Unix seconds or RFC 3339. Default: the flags' last change."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare the arms where both have a forecast for the same link and time."""
    with service.client() as client:
        comparison = client.rollout(since)
    if as_json:
        print_json(comparison)
    else:
        _print_comparison(Console(), comparison)


def _print_comparison(console: Console, comparison: Mapping[str, Any]) -> None:
    v1, v3 = (", ".join(comparison["versions"][arm.value]) or "none" for arm in Arm)
    console.print(f"Since {comparison['since']}. v1: {v1}; v3: {v3}")
    columns = {**comparison["modes"], "overall": comparison["overall"]}
    table = Table("v1 / v3", *columns, pad_edge=False)  # all modes fit 80 columns
    parts = list(columns.values())
    table.add_row("pairs", *(str(part["pairs"]) for part in parts))
    table.add_row("in band alone", *(f"{part['v1_only']} / {part['v3_only']}" for part in parts))
    for key in _FIGURES:
        table.add_row(key, *(_both_arms(part, key) for part in parts))
    blocks = (f"{part['blocks']} of {part['blocks_needed']}" for part in parts)
    table.add_row("blocks", *blocks)
    evidence = (f"{part['evidence']:.3g} of {part['decides_at']:g}" for part in parts)
    table.add_row("evidence", *evidence)
    table.add_row("v3 is", *(part["verdict"] for part in parts))
    console.print(table)
    console.print("Evidence and verdict are those of the blocks since the flags' last change.")


def _both_arms(part: Mapping[str, Any], key: str) -> str:
    values = [part[arm.value][key] for arm in Arm]
    return " / ".join("–" if value is None else f"{value:.3g}" for value in values)
