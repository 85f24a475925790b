"""The command line of `python -m train retrain`."""

import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from pba.errors import InvalidInput, StoreUnavailable
from pba.project import SHIPPED_MODELS, resolve
from pba.registry import Registry
from pba.registry.promotion import LogEvent
from pba.security.audit_chain import AuditEntry
from pba.store import Store
from pba.types import Event, NetworkMode
from pba.types.profile import PROFILES, ModeSelection

from . import options
from .console import TrainingConsole, open_console, readable_path, started_cluster
from .retraining_request import FineTuning, MixSettings, RetrainingRequest
from .set_selection import SetSelection
from .summary import gate_lines

__all__ = ["retrain"]

_STORE = "sqlite:///data/pba.db"

_clock = time.time  # noqa: TID251 - the clock that is passed in

Mode = Annotated[ModeSelection, typer.Option(help="Whose champion to challenge.")]
Days = Annotated[float, typer.Option(help="How far to look back.", min=0.01)]
StoreUrl = Annotated[
    str | None,
    typer.Option(envvar="PBA_STORE_URL", help=f"The telemetry store; {_STORE} by default."),
]
Telemetry = Annotated[
    Path | None, typer.Option(help="An export of `pba export`, to read instead of the store.")
]
OldTraces = Annotated[
    Path | None, typer.Option(help="The original traces, so that nothing old is forgotten.")
]
RegistryRoot = Annotated[str, typer.Option(envvar="PBA_REGISTRY", help="The model registry.")]
Shipped = Annotated[
    Path, typer.Option(help="Folder of the <mode>/ models that serve without a champion.")
]
MostWindows = Annotated[int, typer.Option(help="Most windows of an epoch.", min=1)]
Replay = Annotated[float, typer.Option(help="Share of them from --traces.", min=0.0, max=0.95)]
LeastWindows = Annotated[int, typer.Option(help="Fewest windows of telemetry.")]
Epochs = Annotated[int, typer.Option(help="Most epochs.", min=1)]
Patience = Annotated[int, typer.Option(help="Epochs without improvement before it stops.")]
LearningRate = Annotated[float | None, typer.Option(help="Peak; by default twice the mode's.")]
Output = Annotated[
    Path, typer.Option(help="Folder for challenger and checkpoints; all nodes must reach it.")
]


def retrain(
    mode: Mode = ModeSelection.INTERNET,
    days: Days = 30.0,
    store: StoreUrl = None,
    telemetry: Telemetry = None,
    traces: OldTraces = None,
    without: options.WithoutSets = None,
    registry: RegistryRoot = "data/registry",
    shipped: Shipped = SHIPPED_MODELS,
    windows: MostWindows = 40_000,
    replay: Replay = 0.5,
    least_windows: LeastWindows = 2000,
    epochs: Epochs = 8,
    patience: Patience = 3,
    batch_size: options.BatchSize = 256,
    learning_rate: LearningRate = None,
    workers: options.Workers = 1,
    seed: options.Seed = 0,
    output: Output = Path("build/retraining"),
    resume: options.Resume = False,
    address: options.Address = "local",
) -> None:
    """Train the champion on reported telemetry; promote the result only if the gate accepts it."""
    network_mode = _single_mode(mode)
    rate = learning_rate or PROFILES[network_mode].learning_rate * 2
    numbers = dict(
        epochs=epochs, patience=patience, batch_size=batch_size, workers=workers, seed=seed
    )
    request = RetrainingRequest(
        mode=network_mode,
        days=days,
        traces=traces,
        selection=SetSelection(without=without or ()),
        shipped=shipped / network_mode,
        output=output.resolve(),
        mix=MixSettings(windows=windows, replay=replay, least_windows=least_windows),
        fine_tuning=FineTuning(**numbers, learning_rate=rate),
        resume=resume,
    )
    _run(request, TelemetrySource(store, telemetry), registry, address)


def _single_mode(selection: ModeSelection) -> NetworkMode:
    if selection is ModeSelection.BOTH:
        raise InvalidInput("--mode is both; a retraining is of one mode: datacenter or internet.")
    (mode,) = selection.modes
    return mode


@dataclass(frozen=True, slots=True)
class TelemetrySource:
    """The options about the store and an export: URL and folder, each None if not given."""

    store: str | None
    telemetry: Path | None


def _run(request: RetrainingRequest, source: TelemetrySource, registry: str, address: str) -> None:
    command = options.command_line(source.store, source.telemetry, request.traces, registry)
    with open_console(request.output / "retrain.log") as console, ExitStack() as stack:
        console.line(f"Retraining the champion of {request.mode} on the last {request.days:g} days")
        console.line(f"Logs of Ray and TensorFlow: {readable_path(console.log)}")
        store = _open_store(source, stack)
        export = source.telemetry or _export(store, request.output, stack)
        stack.enter_context(started_cluster(address, console))
        # It imports Ray Data, which takes seconds.
        from .retrain import Collaborators, retrain as run_retraining

        log_event = _event_logger(store, console)
        collaborators = Collaborators(
            Registry(resolve(registry), _clock), log_event, _clock, console.line
        )
        card = run_retraining(request, export.resolve(), collaborators, command)
        _show_decision(request, console, card)


def _show_decision(
    request: RetrainingRequest, console: TrainingConsole, card: Mapping[str, Any]
) -> None:
    if not request.traces:
        console.line("No original traces were replayed: what only they show may be forgotten.")
    for line in gate_lines(card):
        console.line(line)
    folder = readable_path(request.output / request.mode)
    console.line(f"Done in {console.elapsed}. All figures: {folder}/card.md")
    if card["gate"]["decision"] == "promote":
        console.line(f"It serves now. To go back: pba models rollback {request.mode}")


def _open_store(source: TelemetrySource, stack: ExitStack) -> Store | None:
    """Return the store, to read or only to log events; None if only an export was given."""
    if source.store is None and source.telemetry is not None:
        return None
    store = Store(source.store or _STORE, _clock).ready()
    stack.callback(store.close)
    return store


def _export(store: Store | None, output: Path, stack: ExitStack) -> Path:
    """Return a temporary folder with an export of the store.

    It is in the output folder, which all nodes reach.
    """
    assert store is not None  # without an export there is a store
    output.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="telemetry-", dir=output))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    store.export(folder)
    return folder


def _event_logger(store: Store | None, console: TrainingConsole) -> LogEvent:
    """Return a function that adds an event to the store, if there is one and it responds."""

    def log_event(event: Event, entry: AuditEntry | None = None) -> None:
        try:
            if store is not None:
                store.add_events([event], [] if entry is None else [entry])
        except StoreUnavailable as error:
            console.line(f"The event {event.kind} could not be stored: {error}")

    return log_event
