"""Output for programs: JSON, one document or one a line."""

import json
from typing import Annotated, Any

import typer

__all__ = ["AlwaysJson", "AsJson", "print_json", "print_json_line"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with all details.")]

AlwaysJson = Annotated[bool, typer.Option("--json", help="Changes nothing: it prints JSON anyway.")]


def print_json(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=1))


def print_json_line(value: Any) -> None:
    """Print one JSON document in a line, at once."""
    typer.echo(json.dumps(value))
