"""`pba evaluate`: how good the models are on real traces, beside every simple rival."""

import importlib.util
import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from pba.cli.options import SHIPPED
from pba.evaluation import plots
from pba.evaluation.candidates import Candidate, candidate, control_candidate
from pba.evaluation.mode_evaluation import MODEL, ModeResult, evaluate as run
from pba.evaluation.report import markdown
from pba.models import v1_features
from pba.registry import artifacts
from pba.telemetry.traces import read_sets
from pba.types import NetworkMode
from pba.types.profile import PROFILES, ModeSelection

__all__ = ["evaluate"]


def evaluate(
    traces: Annotated[Path, typer.Option(envvar="PBA_TRACES", help="Folder of real traces.")],
    models: Annotated[Path, typer.Option(help="The models, one folder a mode.")] = SHIPPED,
    mode: Annotated[ModeSelection, typer.Option(help="Which models.")] = ModeSelection.BOTH,
    split: Annotated[str, typer.Option(help="val to choose by, test to report.")] = "test",
    output: Annotated[Path, typer.Option(help="Where report, figures and pictures go.")] = Path(
        "build/evaluation"
    ),
    trees: Annotated[bool, typer.Option(help="Train gradient-boosted trees as rivals.")] = True,
    plot: Annotated[bool, typer.Option(help="Draw pictures.")] = True,
) -> None:
    """Walk through every trace, forecast at every moment, and score all forecasters alike.

    Answers are kept in OUTPUT/said: a run that was cut off goes on where it was.
    """
    _need("scikit-learn", "sklearn", "--no-trees", trees)
    _need("matplotlib", "matplotlib", "--no-plot", plot)
    results, versions = {}, {}
    others = _control(models)
    with Progress() as progress:
        for one in mode.modes:
            forecaster, card = artifacts.load(str(models / one), one, threads=2)
            task = progress.add_task(str(one))
            found = run(
                read_sets(traces, one),
                candidate(forecaster, MODEL, card["sha256"]),
                PROFILES[one].window,
                split,
                output / "said" / one,
                trees,
                partial(_tell, progress, task),
                others,
            )
            results[one.value], versions[one.value] = found.figures, card["version"]
            if plot:
                _draw(found, one, output)
    text = markdown(results, MODEL, versions)
    output.mkdir(parents=True, exist_ok=True)
    (output / "evaluation.json").write_text(json.dumps({"versions": versions, **results}, indent=1))
    (output / "report.md").write_text(text)
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def _control(models: Path) -> list[Candidate]:
    """Return v1 where ``models`` holds it: what was trained anew is often the modes alone."""
    folder = models / v1_features.NAME
    if not folder.is_dir():
        Console(stderr=True).print(f"{folder} is not there: v1 is left out.", highlight=False)
        return []
    forecaster, card = artifacts.load(str(folder), v1_features.NAME, threads=2)
    return [control_candidate(forecaster, card["sha256"])]


def _need(name: str, module: str, instead: str, wanted: bool) -> None:
    if wanted and importlib.util.find_spec(module) is None:
        raise typer.BadParameter(
            f"this needs {name}, which serving does without. Install requirements/train.txt, or "
            f"give {instead}."
        )


def _tell(progress: Progress, task: TaskID, what: str, of: int, done: int) -> None:
    progress.update(task, description=what, completed=done, total=of)


def _draw(found: ModeResult, mode: NetworkMode, output: Path) -> None:
    plots.draw_reliability(found.figures, MODEL, mode, output / f"{mode}-reliability.png")
    plots.draw_accuracy(found.figures, MODEL, mode, output / f"{mode}-accuracy.png")
    said = {name: ones[MODEL] for name, ones in found.said.items()}
    plots.draw_bands(said, found.moments, output / f"{mode}-bands.png")
