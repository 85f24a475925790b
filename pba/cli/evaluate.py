"""`pba evaluate`: the accuracy of the models on traces, compared with every simple alternative."""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from pba.cli.json_output import AsJson, print_json
from pba.cli.terminal import plain_table, progress_bar
from pba.evaluation import plots
from pba.evaluation.candidates import Candidate, control_candidate, served_candidate
from pba.evaluation.mode_evaluation import MODEL, ModeResult, evaluate as evaluate_mode
from pba.evaluation.report import markdown
from pba.models import v1_features
from pba.models.onnx_session import SessionSettings
from pba.project import SHIPPED_MODELS
from pba.registry import artifacts
from pba.telemetry.traces import Trace, read_sets
from pba.types import NetworkMode
from pba.types.profile import PROFILES, ModeSelection

__all__ = ["evaluate"]

_LAST_VALUE = "last_value"
TraceFolder = Annotated[
    Path, typer.Option(envvar="PBA_TRACES", help="Folder of traces, one folder a mode in it.")
]
Models = Annotated[Path, typer.Option(help="The models, one folder a mode.")]
Mode = Annotated[ModeSelection, typer.Option(help="Which models.")]
Split = Annotated[
    str,
    typer.Option(help="test to report, val to choose between models, judge as the gate judges."),
]
Output = Annotated[Path, typer.Option(help="Folder for the report, figures and plots.")]
Trees = Annotated[bool, typer.Option(help="Train gradient-boosted trees to compare with.")]
Sets = Annotated[list[str] | None, typer.Option(help="Only the set of this name; repeatable.")]
Plot = Annotated[bool, typer.Option(help="Draw plots.")]


def evaluate(
    traces: TraceFolder,
    models: Models = SHIPPED_MODELS,
    mode: Mode = ModeSelection.BOTH,
    split: Split = "test",
    output: Output = Path("build/evaluation"),
    trees: Trees = True,
    sets: Sets = None,
    plot: Plot = True,
    as_json: AsJson = False,
) -> None:
    """Forecast at every sample of every trace, and score all forecasters alike.

    Forecasts are cached in OUTPUT/forecasts, so an interrupted run resumes where it stopped.
    """
    _require("scikit-learn", "sklearn", "--no-trees", trees)
    _require("matplotlib", "matplotlib", "--no-plot", plot)
    results, versions = {}, {}
    control, cache = _control(models), output / "forecasts"
    with progress_bar() as progress:
        for name in mode.modes:
            result, versions[name.value] = _evaluate(
                name, traces, models, split, cache, trees, sets or (), control, progress
            )
            results[name.value] = result.figures
            if plot:
                _draw(result, name, output)
    output.mkdir(parents=True, exist_ok=True)
    document = {"versions": versions, **results}
    (output / "evaluation.json").write_text(json.dumps(document, indent=1))
    (output / "report.md").write_text(markdown(results, MODEL, versions))
    if as_json:
        print_json(document)
        return
    console = Console()
    for mode_name, figures in results.items():
        _print_summary(console, mode_name, versions[mode_name], figures)
    typer.echo(f"The whole report, its figures and plots are in {output}. Read {output}/report.md.")


def _evaluate(
    mode: NetworkMode,
    traces: Path,
    models: Path,
    split: str,
    cache: Path,
    trees: bool,
    sets: Sequence[str],
    control: Sequence[Candidate],
    progress: Progress,
) -> tuple[ModeResult, str]:
    """Return the result of one mode and the version of its model."""
    forecaster, card = artifacts.load(str(models / mode), mode, session=SessionSettings(threads=2))
    task = progress.add_task(mode.value)

    def advance(label: str, total: int, done: int) -> None:
        progress.update(task, description=label, completed=done, total=total)

    result = evaluate_mode(
        _selected(read_sets(traces, mode), sets),
        served_candidate(forecaster, MODEL, card["sha256"]),
        PROFILES[mode].window,
        split,
        cache / mode,
        trees,
        advance,
        control,
        card.get("trained_on"),
    )
    return result, card["version"]


def _selected(
    all_sets: Mapping[str, Sequence[Trace]], names: Sequence[str]
) -> dict[str, Sequence[Trace]]:
    """Return the sets of these ``names``, or all if there is none."""
    selected = {name: traces for name, traces in all_sets.items() if not names or name in names}
    if not selected:
        raise typer.BadParameter(
            f"--sets is {', '.join(names)}; the sets are {', '.join(all_sets)}. Name one of those."
        )
    return selected


def _control(models: Path) -> list[Candidate]:
    """Return v1 if ``models`` holds it; a training run often writes the two modes alone."""
    folder = models / v1_features.NAME
    if not folder.is_dir():
        typer.echo(f"{folder} does not exist: the report leaves out v1.", err=True)
        return []
    forecaster, card = artifacts.load(
        str(folder), v1_features.NAME, session=SessionSettings(threads=2)
    )
    return [control_candidate(forecaster, card["sha256"])]


def _require(name: str, module: str, option: str, needed: bool) -> None:
    if needed and importlib.util.find_spec(module) is None:
        raise typer.BadParameter(
            f"this needs {name}: pip install 'pba-forecast[train]', or add {option}."
        )


def _print_summary(console: Console, mode: str, version: str, figures: Mapping[str, Any]) -> None:
    """Print the accuracy one step ahead by set: the model, the last value, the best alternative."""
    table = plain_table("set", "points", "model", "last value", "best alternative", numbers_from=1)
    for name, result in figures["sets"].items():
        table.add_row(name, str(result["moments"]), *_accuracies(result["scores"]))
    table.add_row("mean", "", *_accuracies(figures["mean"]))
    if figures["mean_unseen"]:
        count = len(figures["unseen"])
        table.add_row(f"mean, {count} unseen", "", *_accuracies(figures["mean_unseen"]))
    title = f"\n{mode}, {version}, {figures['split']} traces: share within ±20 %, one step ahead"
    console.print(title, table, "", sep="\n", highlight=False)


def _accuracies(scores: Mapping[str, Any]) -> tuple[str, str, str]:
    accuracy = {name: by_steps["1"]["accuracy_20"] for name, by_steps in scores.items()}
    best = max((name for name in accuracy if name != MODEL), key=accuracy.__getitem__)
    return (
        f"{accuracy[MODEL]:.3f}",
        f"{accuracy[_LAST_VALUE]:.3f}",
        f"{best} {accuracy[best]:.3f}",
    )


def _draw(result: ModeResult, mode: NetworkMode, output: Path) -> None:
    plots.draw_reliability(result.figures, MODEL, mode, output / f"{mode}-reliability.png")
    plots.draw_confident_part(result.figures, mode, output / f"{mode}-confident.png")
    plots.draw_accuracy(result.figures, MODEL, mode, output / f"{mode}-accuracy.png")
    forecasts = {name: by_candidate[MODEL] for name, by_candidate in result.forecasts.items()}
    plots.draw_bands(forecasts, result.points, output / f"{mode}-bands.png")
