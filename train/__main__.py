"""`python -m train`: train the bandwidth models on a Ray cluster, or on this machine."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from pba.errors import InvalidInput, PBAError
from pba.nets import v1_network
from pba.types.profile import PROFILES, NetworkShape

from . import retrain_command
from .training_plan import TrainingPlan

__all__ = ["app"]

app = typer.Typer(add_completion=False)
app.command()(retrain_command.retrain)


class NetworkSelection(StrEnum):
    """Which networks to train: one, both modes', or v1 as well."""

    BOTH = "both"
    DATACENTER = "datacenter"
    INTERNET = "internet"
    V1 = "v1"
    ALL = "all"

    @property
    def shapes(self) -> list[NetworkShape]:
        """What those networks are."""
        every = [*PROFILES.values(), v1_network.SHAPE]
        if self is NetworkSelection.BOTH:
            return [*PROFILES.values()]
        return [one for one in every if self in (NetworkSelection.ALL, one.mode)]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    mode: Annotated[
        NetworkSelection, typer.Option(help="Which networks to train.")
    ] = NetworkSelection.BOTH,
    samples: Annotated[int, typer.Option(help="Synthetic samples, without --traces.")] = 2000,
    epochs: Annotated[int | None, typer.Option(help="At most; by default the mode's.")] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Write history.png.")] = False,
    traces: Annotated[Path | None, typer.Option(help="Folder of real traces.")] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A set to report on only, not to learn from.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Ray Train workers a mode.", min=1)] = 1,
    batch_size: Annotated[int, typer.Option(help="Windows a step, all workers together.")] = 256,
    windows_per_set: Annotated[int, typer.Option(help="Most windows of a set an epoch.")] = 15000,
    learning_rate: Annotated[float | None, typer.Option(help="Peak; default: the mode's.")] = None,
    teachers: Annotated[
        int, typer.Option(help="Networks to train first, which then teach the model.", min=0)
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of weights, dropout and order.")] = 0,
    output: Annotated[Path, typer.Option(help="Where models go.")] = Path("build/models"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a cut-off run.")] = False,
    address: Annotated[
        str, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster; `local` starts one.")
    ] = "local",
) -> None:
    """Train, export and report; models, cards and plots go to OUTPUT/<mode>/."""
    if context.invoked_subcommand is not None:
        return
    # Ray and TensorFlow take seconds to load: `--help` and a mistyped option should not wait.
    from . import data
    from .artifact_writer import write
    from .job import Run, connect, run_all

    runs = []
    output = output.resolve()
    for shape in mode.shapes:
        if teachers and shape.mode == v1_network.SHAPE.mode:
            raise InvalidInput(
                f"--teachers is {teachers}; v1 says a number, and teachers teach a distribution. "
                "Train v1 in a run of its own, without them."
            )
        shape = replace(shape, learning_rate=learning_rate or shape.learning_rate)
        if traces is not None:
            splits = data.from_traces(traces, shape.mode, shape.window, without or ())
        else:
            rng = np.random.default_rng(seed)
            splits = data.synthetic(shape.mode, samples, shape.window, rng)
        plan = TrainingPlan(
            profile=shape,
            epochs=epochs or shape.epochs,
            batch_size=batch_size,
            windows_per_set=windows_per_set,
            workers=workers,
            teachers=teachers,
            seed=seed,
        )
        run = Run(plan, splits, output / "runs")
        if not resume:
            run.forget()
        runs.append(run)
    connect(address)
    for run, state in run_all(runs):
        folder = output / run.name
        card = write(run, state, folder, retrain_command.told(traces), plot)
        typer.echo((folder / "card.md").read_text())
        typer.echo(f"{card['version']} is in {folder}")


if __name__ == "__main__":
    try:
        app()
    except PBAError as error:
        typer.secho(f"train: {error}", err=True, fg="red")
        raise SystemExit(2) from None
