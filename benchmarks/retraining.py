"""What a retraining gains on new links, and what it loses on old ones.

`python -m benchmarks.retraining DIR --traces TRACES`: two internet models are trained, one
without a set and one with it. The set's `train` traces are then stored as telemetry of 8 links, one
trace per link and day, the first model is retrained, and all three are compared on the `test`
traces of every set.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from pba.store import SampleReport, Store, WriteBatch
from pba.telemetry.traces import Trace, read_sets
from pba.types import NetworkMode

_LINKS = 8
_DAY_S = 86_400.0
_MODE = NetworkMode.INTERNET
_WITHIN, _LOST = 0.01, 0.005


def main(
    folder: Annotated[Path, typer.Argument(help="For models, store and registry.")],
    traces: Annotated[Path, typer.Option(envvar="PBA_TRACES", help="Folder of real traces.")],
    left_out: Annotated[
        str, typer.Option("--set", help="The set to leave out first.")
    ] = "norway_hsdpa",
    epochs: Annotated[int, typer.Option(help="Of the first models.")] = 8,
    windows_per_set: Annotated[int, typer.Option(help="Of the first models.")] = 15_000,
    again: Annotated[str, typer.Option(help="More options of the retraining.")] = "",
) -> None:
    """Train, store telemetry, retrain, compare."""
    folder = folder.resolve()
    common = ["--mode", _MODE.value, "--traces", str(traces)]
    first = [*common, "--epochs", str(epochs), "--windows-per-set", str(windows_per_set)]
    first += ["--learning-rate", "0.0015", "--resume"]
    for name, more in (("without", ["--without", left_out]), ("with", [])):
        if not (folder / name / _MODE / "card.md").exists():
            _train(*first, *more, "--output", str(folder / name))
    url = f"sqlite:///{folder / 'telemetry.db'}"
    store_traces(url, [t for t in read_sets(traces, _MODE)[left_out] if t.split == "train"])
    started = time.monotonic()
    _train(
        *("retrain", *common, "--without", left_out, "--store", url),
        *("--registry", str(folder / "registry"), "--shipped", str(folder / "without")),
        *("--output", str(folder / "again"), *again.split()),
    )
    typer.echo(f"retrained in {time.monotonic() - started:.0f} s")
    compare(folder, left_out)


def store_traces(url: str, traces: list[Trace]) -> None:
    """Store ``traces`` as telemetry of 8 links, with the last day yesterday."""
    days = -(-len(traces) // _LINKS)
    begin_s = (time.time() // _DAY_S - days) * _DAY_S  # noqa: TID251 - links report in Unix time
    store = Store(url, time.time).ready()  # noqa: TID251 - the clock that is passed in
    for number, trace in enumerate(traces):
        day, link = divmod(number, _LINKS)
        shifted_s = trace.timestamps_s - trace.timestamps_s[0] + begin_s + day * _DAY_S + 1.0
        store.write(WriteBatch([SampleReport(f"{link}", shifted_s, trace.telemetry)]))
    store.close()
    samples = sum(map(len, traces))
    typer.echo(f"{len(traces)} traces are {samples} samples of {_LINKS} links on {days} days")


def compare(folder: Path, left_out: str) -> None:
    """Print accuracy_20 one step ahead of all three models on every test set."""
    cards = {name: _card(folder / name / _MODE) for name in ("without", "with", "again")}
    gate = cards["again"]["gate"]
    typer.echo(f"gate: {gate['decision']} {'; '.join(gate['reasons'])}")
    typer.echo("| set | without | with | retrained | gained |\n| --- | --- | --- | --- | --- |")
    lost = []
    for name in cards["with"]["metrics"]["sets"]:
        before, other, after = (_accuracy(card, name) for card in cards.values())
        cells = (f"{value:.4f}" for value in (before, other, after))
        typer.echo(f"| {name} | {' | '.join(cells)} | {after - before:+.4f} |")
        if name == left_out:
            recovered = after >= other - _WITHIN
        else:
            lost += [name] if after < before - _LOST else []
    typer.echo(f"within {_WITHIN} of the model trained with {left_out}: {recovered}")
    typer.echo(f"lost more than {_LOST}: {', '.join(lost) or 'none'}")


def _accuracy(card: dict[str, Any], name: str) -> float:
    return float(card["metrics"]["sets"][name]["model"]["1"]["accuracy_20"])


def _card(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "card.json").read_text())
    return card


def _train(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "train", *words], check=True)


if __name__ == "__main__":
    typer.run(main)
