"""What `python -m train` does with its options: plan, train, export, and show the results."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pba.errors import InvalidInput
from pba.nets import v1_network
from pba.types.profile import NetworkShape

from . import splits
from .artifact_writer import write_artifacts
from .budget import BUDGETS, epoch_quotas
from .checkpoint import TrainingState
from .console import TrainingConsole, open_console, readable_path, started_cluster
from .options import command_line
from .ray_trainer import TrainingRun, run_all
from .set_selection import SetSelection
from .summary import results_table
from .training_plan import TrainingPlan

__all__ = ["DataSource", "PlanSettings", "TrainingRequest", "train_networks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Where the windows come from.

    Parameters
    ----------
    traces, selection
        Folder of real traces, None for synthetic links, and which of its sets to learn from.
    samples
        Of each synthetic link.
    """

    traces: Path | None = None
    selection: SetSelection = SetSelection()
    samples: int = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What all runs share of `training_plan.TrainingPlan`.

    Parameters
    ----------
    epochs, learning_rate
        None for each network's own.
    budget
        The most training windows of a network and its teachers, over all epochs; None for the
        mode's, and for no limit if it has none.
    windows_per_set
        The most windows that an epoch draws from a set; None for no other limit than the budget.
    """

    epochs: int | None = None
    learning_rate: float | None = None
    batch_size: int = 256
    windows_per_set: int | None = None
    budget: int | None = None
    workers: int = 1
    gpu: bool = False
    teachers: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """The settings of a training command.

    Parameters
    ----------
    shapes
        The networks to train.
    output
        The folder for models, checkpoints and the log.
    plot
        Whether to write ``history.png``.
    resume
        Whether to continue an interrupted run.
    """

    shapes: Sequence[NetworkShape]
    source: DataSource
    settings: PlanSettings
    output: Path
    plot: bool = False
    resume: bool = False


def train_networks(request: TrainingRequest, address: str = "local") -> None:
    """Train, export and report; models, cards and plots go to ``output/<mode>/``.

    Parameters
    ----------
    address
        Of the Ray cluster; ``local`` starts one on this machine.
    """
    _check_teachers(request)
    with open_console(request.output / "train.log") as console:
        runs = _runs(request, console)
        with started_cluster(address, console):
            console.line("Starting the workers with TensorFlow (usually half a minute)")
            cards = {
                run.name: _finish(request, console, run, state)
                for run, state in run_all(runs, on_line=console.line)
            }
        _show_results(request, console, [cards[run.name] for run in runs])


def _check_teachers(request: TrainingRequest) -> None:
    names = [shape.mode for shape in request.shapes]
    if request.settings.teachers and v1_network.SHAPE.mode in names:
        raise InvalidInput(
            f"--teachers is {request.settings.teachers}; v1 predicts a number, and teachers "
            "teach a distribution. Train v1 in a run of its own, without them."
        )


def _runs(request: TrainingRequest, console: TrainingConsole) -> list[TrainingRun]:
    """Return the runs, and show what is about to be trained."""
    console.line(f"Training {', '.join(shape.mode for shape in request.shapes)}")
    console.line(f"Logs of Ray and TensorFlow: {readable_path(console.log)}")
    if request.source.traces is not None:
        console.line(f"Reading the traces in {request.source.traces}")
    runs = [_run(request, shape) for shape in request.shapes]
    for run in runs:
        networks, of_epoch = run.plan.teachers + 1, run.plan.windows_an_epoch
        console.line(
            f"{run.name}: {len(run.splits.train)} windows; an epoch draws {of_epoch}. At most "
            f"{run.plan.epochs} epochs of {networks} network{'s' * (networks > 1)}, "
            f"{of_epoch * run.plan.epochs * networks} windows in all"
        )
    return runs


def _run(request: TrainingRequest, shape: NetworkShape) -> TrainingRun:
    """Return the run of one network, its earlier checkpoints deleted unless it is resumed."""
    settings, data = request.settings, _data(request, shape)
    plan = TrainingPlan(
        profile=replace(shape, learning_rate=settings.learning_rate or shape.learning_rate),
        epochs=settings.epochs or shape.epochs,
        batch_size=settings.batch_size,
        workers=settings.workers,
        gpu=settings.gpu,
        teachers=settings.teachers,
        seed=settings.seed,
    )
    plan = replace(plan, windows_per_set=_quotas(settings, plan, data))
    run = TrainingRun(plan, data, request.output / "runs")
    if not request.resume:
        run.delete_checkpoints()
    return run


def _quotas(settings: PlanSettings, plan: TrainingPlan, data: splits.Splits) -> tuple[int, ...]:
    """Return the windows that an epoch draws from each set."""
    counts = [len(windows) for _, windows in data.train.by_set()]
    budget = settings.budget or BUDGETS.get(plan.profile.mode, sum(counts) * plan.epochs)
    of_epoch = budget // (plan.epochs * (plan.teachers + 1))
    quotas = epoch_quotas(counts, of_epoch, plan.in_a_row, settings.windows_per_set)
    if not any(quotas):
        raise InvalidInput(
            f"--budget is {budget}: too few windows for {plan.epochs} epochs of "
            f"{plan.teachers + 1} networks over {len(counts)} sets. Raise it, or take fewer epochs."
        )
    return quotas


def _data(request: TrainingRequest, shape: NetworkShape) -> splits.Splits:
    source = request.source
    if source.traces is None:
        rng = np.random.default_rng(request.settings.seed)
        return splits.synthetic_splits(shape.mode, source.samples, shape.window, rng)
    return splits.splits_from_traces(source.traces, shape.mode, shape.window, source.selection)


def _finish(
    request: TrainingRequest, console: TrainingConsole, run: TrainingRun, state: TrainingState
) -> dict[str, Any]:
    """Export and measure a trained network; return its card."""
    console.line(f"{run.name}: trained for {state.epochs} epochs, exporting (usually 15 s)")
    folder = request.output / run.name
    command = command_line(request.source.traces)
    return write_artifacts(run, state, folder, command, request.plot)


def _show_results(
    request: TrainingRequest, console: TrainingConsole, cards: Sequence[dict[str, Any]]
) -> None:
    console.table(results_table(cards))
    console.line(f"Done in {console.elapsed}. Models, with all figures in card.md:")
    folders = [readable_path(request.output / card["mode"]) for card in cards]
    for folder in folders:
        console.line(f"  {folder}")
    console.line("To serve one, publish it in the registry and promote it:")
    console.line(f"  pba models publish {folders[-1]}")
    console.line(f"  pba models promote {cards[-1]['mode']} {cards[-1]['version']}")
