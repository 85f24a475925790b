"""The command line of `python -m train retrain`."""

import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pba.errors import InvalidInput, StoreUnavailable
from pba.registry import Registry
from pba.store import Store
from pba.types import Event
from pba.types.profile import PROFILES, ModeSelection

__all__ = ["retrain", "told"]

_STORE = "sqlite:///data/pba.db"


def retrain(
    mode: Annotated[
        ModeSelection, typer.Option(help="Whose champion to challenge.")
    ] = ModeSelection.INTERNET,
    days: Annotated[float, typer.Option(help="How far to look back.", min=0.01)] = 30.0,
    store: Annotated[
        str | None,
        typer.Option(envvar="PBA_STORE_URL", help=f"The telemetry store; {_STORE} by default."),
    ] = None,
    telemetry: Annotated[
        Path | None, typer.Option(help="What `pba export` wrote, to read in place of the store.")
    ] = None,
    traces: Annotated[
        Path | None, typer.Option(help="The original traces, so that nothing old is forgotten.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="A set of them to leave out.")] = None,
    registry: Annotated[
        str, typer.Option(envvar="PBA_REGISTRY", help="The model registry.")
    ] = "data/registry",
    shipped: Annotated[
        Path, typer.Option(help="Where <mode>/ of the models lies that serve without a champion.")
    ] = Path("models"),
    windows: Annotated[int, typer.Option(help="Most windows of an epoch.", min=1)] = 40_000,
    replay: Annotated[
        float, typer.Option(help="Share of them from --traces.", min=0.0, max=0.95)
    ] = 0.5,
    least_windows: Annotated[int, typer.Option(help="Of telemetry, to begin at all.")] = 2000,
    epochs: Annotated[int, typer.Option(help="At most.", min=1)] = 8,
    patience: Annotated[int, typer.Option(help="Epochs without gain to stop after.")] = 3,
    batch_size: Annotated[int, typer.Option(help="Windows a step, all workers together.")] = 256,
    learning_rate: Annotated[
        float | None, typer.Option(help="Peak; default: twice the mode's.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Ray Train workers.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Of dropout and order.")] = 0,
    output: Annotated[
        Path, typer.Option(help="Where challenger and checkpoints go; all nodes must reach it.")
    ] = Path("build/retraining"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a cut-off run.")] = False,
    address: Annotated[
        str, typer.Option(envvar="RAY_ADDRESS", help="Ray cluster; `local` starts one.")
    ] = "local",
) -> None:
    """Train the champion on with what links reported; promote it only if the gate says better."""
    from .job import connect
    from .retrain import RetrainingRequest, retrain

    if mode is ModeSelection.BOTH:
        raise InvalidInput("--mode is both; a retraining is of one mode: datacenter or internet.")
    (of,) = mode.modes
    output = output.resolve()
    with ExitStack() as stack:
        opened = _open(store, telemetry, stack)
        export = telemetry or _export(opened, output, stack)
        asked = RetrainingRequest(
            mode=of,
            export=export.resolve(),
            days=days,
            traces=traces,
            without=without or (),
            shipped=shipped / of,
            output=output,
            windows=windows,
            replay=replay,
            least_windows=least_windows,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate or PROFILES[of].learning_rate * 2,
            workers=workers,
            patience=patience,
            seed=seed,
            resume=resume,
        )
        connect(address)
        command = told(store, telemetry, traces, registry)
        clock = time.time  # noqa: TID251 - the clock that is passed in
        card = retrain(asked, Registry(registry, clock), _teller(opened), clock, command)
        typer.echo((output / of / "card.md").read_text())
        typer.echo(f"{card['version']}: {card['gate']['decision']}")
        for reason in card["gate"]["reasons"]:
            typer.echo(f"- {reason}")


def _open(url: str | None, telemetry: Path | None, stack: ExitStack) -> Store | None:
    """Return the store: what to read, or only to tell, or None where an export is all there is."""
    if url is None and telemetry is not None:
        return None
    opened = Store(url or _STORE, time.time).ready()  # noqa: TID251 - the clock that is passed in
    stack.callback(opened.close)
    return opened


def _export(store: Store | None, output: Path, stack: ExitStack) -> Path:
    """Return a folder of what the store holds, which goes in the end.

    It lies in the output folder, which all nodes reach.
    """
    assert store is not None  # without an export there is a store
    output.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="telemetry-", dir=output))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    store.export(folder)
    return folder


def _teller(store: Store | None) -> Callable[[Event], None]:
    """Return what puts events into the store, if there is one and it answers."""

    def tell(event: Event) -> None:
        try:
            if store is not None:
                store.add_events([event])
        except StoreUnavailable as error:
            typer.secho(f"train: {event.kind} is not in the store: {error}", err=True, fg="yellow")

    return tell


def told(*private: Path | str | None) -> str:
    """Return the command line for a card, without where this machine keeps things."""
    words = sys.argv[1:]
    for secret in filter(None, map(str, (one for one in private if one is not None))):
        words = [word.replace(secret, "DIR") for word in words]
    return shlex.join(["python", "-m", "train", *words])
