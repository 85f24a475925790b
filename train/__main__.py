"""`python -m train`: train the bandwidth models on a Ray cluster, or on this machine."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pba.errors import PBAError
from pba.nets import v1_network
from pba.types.profile import PROFILES, NetworkShape

from . import export_command, options, retrain_command
from .set_selection import SetSelection

__all__ = ["NetworkSelection", "app"]

app = typer.Typer(add_completion=False)
app.command()(retrain_command.retrain)
app.command()(export_command.export)


class NetworkSelection(StrEnum):
    """Which networks to train: one, both modes', or v1 as well."""

    BOTH = "both"
    DATACENTER = "datacenter"
    INTERNET = "internet"
    V1 = "v1"
    ALL = "all"

    @property
    def shapes(self) -> list[NetworkShape]:
        """The shapes of those networks."""
        if self is NetworkSelection.BOTH:
            return [*PROFILES.values()]
        shapes = [*PROFILES.values(), v1_network.SHAPE]
        return [shape for shape in shapes if self in (NetworkSelection.ALL, shape.mode)]


Networks = Annotated[NetworkSelection, typer.Option("--mode", help="Which networks to train.")]
Samples = Annotated[int, typer.Option(help="Samples per synthetic link, without --traces.")]
Epochs = Annotated[int | None, typer.Option(help="Most epochs; by default the mode's.")]
Plot = Annotated[bool, typer.Option("--plot", help="Write history.png.")]
Traces = Annotated[Path | None, typer.Option(help="Folder of real traces.")]
WindowsPerSet = Annotated[
    int | None, typer.Option(help="Most windows drawn from a set per epoch.", min=8)
]
Budget = Annotated[
    int | None,
    typer.Option(help="Most windows of a network and its teachers; by default the mode's.", min=1),
]
LearningRate = Annotated[float | None, typer.Option(help="Peak; by default the mode's.")]
Teachers = Annotated[
    int, typer.Option(help="Networks to train first, from which the model then learns.", min=0)
]
Output = Annotated[Path, typer.Option(help="Folder for models; all nodes must reach it.")]


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    mode: Networks = NetworkSelection.BOTH,
    samples: Samples = 2000,
    epochs: Epochs = None,
    plot: Plot = False,
    traces: Traces = None,
    sets: options.OnlySets = None,
    without: options.WithoutSets = None,
    unseen: options.UnseenSets = None,
    workers: options.Workers = 1,
    gpu: options.Gpu = False,
    batch_size: options.BatchSize = 256,
    windows_per_set: WindowsPerSet = None,
    budget: Budget = None,
    learning_rate: LearningRate = None,
    teachers: Teachers = 0,
    seed: options.Seed = 0,
    output: Output = Path("build/models"),
    resume: options.Resume = False,
    address: options.Address = "local",
) -> None:
    """Train, export and report; models, cards and plots go to OUTPUT/<mode>/."""
    if context.invoked_subcommand is not None:
        return
    # Ray takes seconds to load; `--help` and a mistyped option should not wait for it.
    from .training_command import DataSource, PlanSettings, TrainingRequest, train_networks

    selection = SetSelection(only=sets or (), without=without or (), unseen=unseen or ())
    source = DataSource(traces=traces, selection=selection, samples=samples)
    numbers = {"batch_size": batch_size, "workers": workers, "teachers": teachers, "seed": seed}
    settings = PlanSettings(
        **numbers,
        epochs=epochs,
        learning_rate=learning_rate,
        windows_per_set=windows_per_set,
        budget=budget,
        gpu=gpu,
    )
    request = TrainingRequest(mode.shapes, source, settings, output.resolve(), plot, resume)
    train_networks(request, address)


if __name__ == "__main__":
    try:
        app()
    except PBAError as error:
        typer.secho(f"train: {error}", err=True, fg="red")
        raise SystemExit(2) from None
