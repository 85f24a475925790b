"""Writes the artefacts of a finished run: Keras and ONNX files, golden answers, card and plot."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import SessionSettings
from pba.nets.onnx_export import Origin, annotate, export_onnx, varied_windows
from pba.nets.training_recipe import FinishedNetwork, TrainingRecipe, training_recipe
from pba.registry import artifacts
from pba.telemetry.datasets import WindowLimit, WindowSet
from pba.types import Floats

from .checkpoint import TrainingState
from .keras_forecaster import KerasForecaster
from .model_card import machine, make_card, markdown, next_version, revision
from .ray_trainer import TrainingRun, rebuild
from .run_evaluation import evaluate

__all__ = ["export", "write_artifacts", "write_card", "write_served_files"]

_GOLDEN_WINDOWS = 4


def write_artifacts(
    run: TrainingRun,
    state: TrainingState,
    folder: Path,
    command: str,
    plot: bool,
    version: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the artefacts of ``run`` into ``folder`` and return the card.

    The ONNX file is measured on the test splits and checked against Keras before anything of an
    earlier model is replaced.

    Parameters
    ----------
    command
        The command line, for the card.
    plot
        Whether to write ``history.png``.
    version
        The model's version; by default one above that in ``folder``.
    more
        Further entries of the card.
    """
    mode = run.plan.profile.mode
    recipe = training_recipe(run.plan.profile, run.splits.train, run.plan.columns_seen)
    finished = _finish(recipe, rebuild(recipe, state), run)
    version = version or next_version(mode, datetime.now(UTC).date(), folder)
    seen = run.plan.columns_seen or run.splits.train.columns_seen
    origin = Origin(version, seen, run.splits.trained_on, revision())
    content, metrics = export(recipe, finished, origin, run.splits.test)
    card = make_card(
        content,
        OnnxForecaster(content).metadata,
        seed=run.plan.seed,
        epochs=state.epochs,
        machine=machine(),
        command=command,
        metrics=metrics,
        **finished.calibration,
        **run.splits.card_entries,
        **(more or {}),
    )
    folder.mkdir(parents=True, exist_ok=True)
    finished.model.save(folder / artifacts.keras_name(mode))
    write_served_files(folder, content, card)
    if plot:
        _plot(folder / "history.png", version, state.history)
    return card


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``card`` as JSON and Markdown."""
    (folder / "card.json").write_text(json.dumps(card, indent=1))
    (folder / "card.md").write_text(markdown(card))


def _finish(recipe: TrainingRecipe, model: Any, run: TrainingRun) -> FinishedNetwork:
    """Return ``model`` calibrated on validation windows."""
    return calibrate(recipe, model, run.splits.val, run.plan.seed, run.plan.val_per_set)


def calibrate(
    recipe: TrainingRecipe, model: Any, val: WindowSet, seed: int, per_set: WindowLimit
) -> FinishedNetwork:
    """Return ``model`` calibrated on windows of ``val``, at most ``per_set`` of each set."""
    batch = val.gather(val.draw(np.random.default_rng(seed), per_set))
    prediction = KerasForecaster(model, recipe.bins).predict(batch.telemetry)
    return recipe.finish(model, prediction, batch)


def export(
    recipe: TrainingRecipe, finished: FinishedNetwork, origin: Origin, test: WindowSet
) -> tuple[bytes, dict[str, Any]]:
    """Return the ONNX file of a network, checked against Keras, and its figures on ``test``."""
    content = export_onnx(
        finished.model, finished.graph, recipe.bins, origin, recipe.columns, recipe.learned
    )
    forecaster = OnnxForecaster(content, session=SessionSettings(threads=cpu_count() or 1))
    metrics = evaluate(forecaster, test, origin.trained_on)
    accuracy = {key: metrics[key]["model"]["1"]["accuracy_20"] for key in ("mean_trained", "mean")}
    return annotate(content, {"accuracy_20": accuracy}), metrics


def write_served_files(folder: Path, content: bytes, card: Mapping[str, Any]) -> None:
    """Write what a service loads: the ONNX file ``content``, its golden answers, and ``card``."""
    forecaster = OnnxForecaster(content)
    (folder / artifacts.onnx_name(forecaster.name)).write_bytes(content)
    answers = artifacts.golden(forecaster, _golden_windows(forecaster.window, forecaster.columns))
    (folder / "golden.json").write_text(json.dumps(answers))
    write_card(folder, card)


def _golden_windows(window: int, columns: tuple[str, ...]) -> Floats:
    """Return varied windows, among them one without optional columns and one with an outage."""
    windows = varied_windows(np.random.default_rng(11), _GOLDEN_WINDOWS, window, columns)
    windows[0, :, 1:] = np.nan
    windows[1, -window // 3 :, 0] = 0.0
    return windows


def _plot(path: Path, title: str, history: Mapping[str, Sequence[float]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    epochs = range(1, len(history["loss"]) + 1)
    for name in ("loss", "val_loss"):
        losses.plot(epochs, history[name], marker=".", label=name)
    losses.set(xlabel="epoch", ylabel="cross-entropy (nats)", title=title)
    losses.legend()
    accuracy.plot(epochs, history["val_accuracy_20"], marker=".", color="tab:green")
    accuracy.set(xlabel="epoch", ylabel="share", title="validation: in band, one step ahead")
    figure.savefig(path, dpi=110)
