"""`pba flags` and `pba rollout`: which arm answers, and how the arms compare."""

import getpass
import json
import socket
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pba.cli.options import Url
from pba.client import PBAClient
from pba.errors import InvalidRequest
from pba.rollout import Arm

__all__ = ["flags", "rollout"]

flags = typer.Typer(no_args_is_help=True, help="Read and change the flags of a running service.")
rollout = typer.Typer(no_args_is_help=True, help="How v3 does beside v1.")

URL = "http://127.0.0.1:8000"
_FIGURES = ("accuracy_20", "mae_mbps", "bias_mbps", "latency_ms")


@flags.command("get")
def get_flags(url: Url = URL) -> None:
    """Print the flags, their version, and who changed them last."""
    with PBAClient(url) as client:
        typer.echo(json.dumps(client.flags(), indent=2))


@flags.command("set")
def set_flags(
    changes: Annotated[list[str], typer.Argument(help="As v3_rollout_percentage=10 shadow=true.")],
    url: Url = URL,
    version: Annotated[
        int | None, typer.Option(help="The version they change; the present one unless given.")
    ] = None,
    who: Annotated[str | None, typer.Option(help="Told with the change; user@host.")] = None,
) -> None:
    """Change flags; on every replica within two seconds."""
    wanted = dict(_change(text) for text in changes)
    with PBAClient(url) as client:
        seen = client.flags()["version"] if version is None else version
        held = client.set_flags(wanted, seen, who or f"{getpass.getuser()}@{socket.gethostname()}")
    typer.echo(json.dumps(held, indent=2))


def _change(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise InvalidRequest(
            f"{text!r} is no change of a flag; it is NAME=VALUE with true, false or a number."
        ) from None


@rollout.command()
def report(
    url: Url = URL,
    since: Annotated[
        str | None, typer.Option(help="Unix s or RFC 3339; the flags' last change unless given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As GET /v1/rollout has it.")] = False,
) -> None:
    """Compare the arms where both have forecast the same moment of the same link."""
    with PBAClient(url) as client:
        told = client.rollout(since)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    console = Console()
    console.print(f"Since {told['since']}. v1: {_names(told, 'v1')}; v3: {_names(told, 'v3')}")
    parts = {**told["modes"], "overall": told["overall"]}
    table = Table("v1 / v3", *parts, pad_edge=False)  # 80 columns hold all modes
    table.add_row("pairs", *(str(part["pairs"]) for part in parts.values()))
    in_band = (f"{part['v1_only']} / {part['v3_only']}" for part in parts.values())
    table.add_row("in band alone", *in_band)
    for key in _FIGURES:
        table.add_row(key, *(_beside(part, key) for part in parts.values()))
    table.add_row("evidence", *(f"{part['evidence']:.3g}" for part in parts.values()))
    table.add_row("v3 is", *(part["verdict"] for part in parts.values()))
    console.print(table)
    console.print("Evidence is the pairs of which one arm alone was in band.")


def _names(told: dict[str, Any], arm: str) -> str:
    return ", ".join(told["versions"][arm]) or "none"


def _beside(part: dict[str, Any], key: str) -> str:
    found = [part[arm.value][key] for arm in Arm]
    return " / ".join("–" if value is None else f"{value:.3g}" for value in found)
