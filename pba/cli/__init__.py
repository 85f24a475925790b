"""The `pba` command."""

import typer

from pba.cli.evaluate import evaluate
from pba.cli.export import export
from pba.cli.flags import flags, rollout
from pba.cli.forecast import forecast
from pba.cli.models import models
from pba.cli.replay import replay
from pba.errors import PBAError

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command()(forecast)
app.command()(replay)
app.command()(evaluate)
app.command()(export)
app.add_typer(models, name="models")
app.add_typer(flags, name="flags")
app.add_typer(rollout, name="rollout")


def main() -> None:
    """Run the command; what PBA refuses ends it with the reason and status 2."""
    try:
        app()
    except PBAError as error:
        typer.secho(f"pba: {error}", err=True, fg="red")
        raise SystemExit(2) from None
