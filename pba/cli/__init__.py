"""The `pba` command: the service, forecasts, links, replays, evaluation, models, rollout, keys.

One module a command reads its options, calls the library or a running service, and prints. What is
computed lives elsewhere: the evaluation in `pba.evaluation`, the calls in `pba.client`. Training
(`python -m train`) has a command of its own.
"""

from typing import Annotated, NoReturn

import typer

from pba.cli.audit import audit
from pba.cli.evaluate import evaluate
from pba.cli.export import export
from pba.cli.flags import flags, rollout
from pba.cli.forecast import forecast
from pba.cli.import_traces import import_traces
from pba.cli.keys import keys
from pba.cli.links import drift, events, links
from pba.cli.models import models
from pba.cli.replay import replay
from pba.cli.serve import PASSED_ON, serve
from pba.cli.status import status
from pba.cli.synth import synth
from pba.cli.verdict import verdict
from pba.cli.watch import watch
from pba.errors import PBAError
from pba.extras import missing_library, version_lines

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they may hold passwords
)
app.command(add_help_option=False, context_settings=PASSED_ON)(serve)
app.command()(forecast)
app.command()(status)
app.command()(links)
app.command()(watch)
app.command()(events)
app.command()(drift)
app.command()(replay)
app.command("import")(import_traces)
app.command()(synth)
app.command()(evaluate)
app.command()(export)
app.command()(verdict)
app.add_typer(models, name="models")
app.add_typer(flags, name="flags")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")
app.add_typer(rollout, name="rollout")


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo("\n".join(version_lines()))
        raise typer.Exit


_Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]


@app.callback()
def _options(version: _Version = False) -> None:
    """Predictive Bandwidth Allocation."""


def main() -> None:
    """Run the command. An error that a user can mend ends it with one line and status 2."""
    try:
        app()
    except ModuleNotFoundError as error:
        _fail(missing_library(error))
    except (PBAError, ImportError) as error:
        _fail(str(error))
    except OSError as error:  # a file that is missing, or that may not be read or written
        _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _fail(message: str) -> NoReturn:
    typer.secho(f"pba: {message}", err=True, fg="red")
    raise SystemExit(2)
