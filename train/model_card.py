"""The card of a model, as JSON and Markdown: what it is, its origin, and its figures."""

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import date
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from pba.evaluation.report import forecasts_to_act_on
from pba.evaluation.targets import TARGETS, described
from pba.models import v1_features
from pba.models.distribution import Bins, decode
from pba.nets.sharpness import Sharpness
from pba.types import HORIZONS

from .data_report import data_report, validation_report
from .gate_report import gate_report

__all__ = ["machine", "make_card", "markdown", "next_version", "revision"]

_BESIDE_LAST_VALUE = {
    "accuracy_20": "±20 %",
    "accuracy_10": "±10 %",
    "mae": "MAE",
    "rmse": "RMSE",
    "mdape": "MdAPE",
    "smape": "sMAPE",
    "bias": "bias",
    "near_accuracy_20": "near changes ±20 %",
    "near_mae": "near changes MAE",
}
_MODEL_ONLY = {
    "pinball": "pinball",
    "coverage_50": "in 50 %",
    "coverage_90": "in 90 %",
    "calibration_error": "calibration",
}


def next_version(mode: str, today: date, folder: Path, published: Sequence[str] = ()) -> str:
    """Return ``<mode>-<year>.<month>.<day>-<n>``, ``n`` one above the existing ones of today.

    Existing ones are the card in ``folder`` and the versions ``published``.

    >>> next_version(NetworkMode.INTERNET, date(2026, 11, 23), Path("nowhere"))
    'internet-2026.11.23-1'
    """
    stem, card = f"{mode}-{today:%Y.%m.%d}-", folder / "card.json"
    versions = [*published]
    if card.exists():
        versions.append(json.loads(card.read_text())["version"])
    ends = [version.removeprefix(stem) for version in versions if version.startswith(stem)]
    return f"{stem}{max((int(end) for end in ends if end.isdecimal()), default=0) + 1}"


def revision() -> str:
    """Return the git revision of this code, with ``-dirty`` if it differs from the commit.

    ``unknown`` where the code is not under version control.
    """
    package = Path(__file__).parent
    try:
        _git("ls-files", "--error-unmatch", __file__)
        commit = _git("rev-parse", "--short=12", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain", "pba", package.name) else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    command = ["git", "-C", str(Path(__file__).parents[1]), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """Return the machine that trained the model, as far as its figures depend on it."""
    return f"{platform.machine()}, {cpu_count()} CPUs, Python {platform.python_version()}"


def make_card(content: bytes, metadata: Mapping[str, str], **origin: Any) -> dict[str, Any]:
    """Return the card of the ONNX file ``content``.

    Parameters
    ----------
    metadata
        The file's own metadata.
    origin
        ``seed``, ``machine``, ``command``, ``metrics`` and the like.
    """
    return {
        "name": f"{metadata['mode']}_bandwidth_predictor",
        "mode": metadata["mode"],
        "version": metadata["version"],
        "sha256": hashlib.sha256(content).hexdigest(),
        "window": int(metadata["window"]),
        "horizons": list(HORIZONS),
        "intervals": json.loads(metadata.get("intervals", "[]")),
        "columns": json.loads(metadata["columns"]),
        "columns_seen": json.loads(metadata["columns_seen"]),
        "bins": json.loads(metadata["bin_edges"]),
        "trained_on": json.loads(metadata["trained_on"]),
        "revision": metadata["revision"],
        **origin,
    }


def markdown(card: Mapping[str, Any]) -> str:
    """Return ``card`` as Markdown."""
    seen = [name for name, used in zip(card["columns"], card["columns_seen"], strict=True) if used]
    lines = [
        f"# {card['version']}",
        "",
        _purpose(card),
        "",
        f"- Trained on: {', '.join(card['trained_on'])} (`train` splits only)",
        f"- Columns seen in training: {', '.join(seen)}",
        f"- Code {card['revision']}, seed {card['seed']}, {card['epochs']} epochs",
        _calibration(card),
        f"- Machine: {card['machine']}",
        f"- Command: `{card['command']}`",
        *_export_lines(card),
        f"- ONNX sha256: `{card['sha256']}`",
        "",
        "Sets without a stated licence are used to train and to evaluate only and are not part of "
        "this folder; the file NOTICE names every set.",
        "",
        "## On the `test` splits",
        "",
        "In each cell: this model / the last value repeated; the last columns are of the model "
        "alone. MAE, RMSE, bias and pinball loss are in Mbps; near changes means within 5 samples "
        "of a step of over 20 %; calibration is the expected error of the confidence. "
        "`pba evaluate` compares with more forecasters.",
    ]
    for target in TARGETS:
        if target in card["metrics"]["pooled"]["model"]:
            lines += ["", f"### {described(target)}", "", *_table(card["metrics"], target)]
    if "confident" in card["metrics"]:
        lines += ["", "### Forecasts to act on", "", *_forecasts_to_act_on(card["metrics"])]
    if card.get("data"):
        lines += ["", *data_report(card["data"])]
    if card.get("validation"):
        lines += ["", *validation_report(card["validation"])]
    if "gate" in card:
        lines += ["", *gate_report(card)]
    return "\n".join(lines) + "\n"


def _forecasts_to_act_on(metrics: Mapping[str, Any]) -> list[str]:
    return [
        "From which confidence on forecasts are in band so often, and which share of all reaches "
        "it.",
        "",
        *forecasts_to_act_on(metrics),
    ]


def _purpose(card: Mapping[str, Any]) -> str:
    if card["mode"] == v1_features.NAME:
        return (
            f"The control arm: forecasts the bandwidth of any link one step ahead from the last "
            f"{card['window']} samples, and repeats that forecast 5 and 15 steps ahead."
        )
    return (
        f"Forecasts the bandwidth of {card['mode']} links 1, 5 and 15 steps ahead from the last "
        f"{card['window']} samples."
    )


def _export_lines(card: Mapping[str, Any]) -> list[str]:
    if "exported" not in card:
        return []
    export = card["exported"]
    return [
        f"- Exported again from {export['from']} with the same weights, by code "
        f"{export['revision']}: `{export['command']}`"
    ]


def _calibration(card: Mapping[str, Any]) -> str:
    if "sharpness" in card:
        sharpness = Sharpness.from_card(card["sharpness"])
        rows = zip(TARGETS, sharpness.powers, strict=False)
        powers = "; ".join(f"{name}: {' '.join(f'{one:.3g}' for one in row)}" for name, row in rows)
        knots = " ".join(f"{knot:.2f}" for knot in sharpness.knots)
        where = f", at restlessness {knots}" if len(sharpness.knots) > 1 else ""
        return f"- Sharpness, fitted on `val`{where}: {powers}"
    decoded = decode(np.array([card["spread"]]), np.ones(1), Bins(np.array(card["bins"])))
    confidence = ", ".join(f"{value:.3f}" for value in decoded.confidence[0])
    factors = ", ".join(f"{value:.3f}" for value in decoded.bandwidth_mbps[0])
    return (
        "- Confidence 1, 5, 15 steps ahead, the same for every window, measured on `val`: "
        f"{confidence}; its number is multiplied by {factors}"
    )


def _table(metrics: Mapping[str, Any], steps: str) -> list[str]:
    rows = {name: of_set for name, of_set in metrics["sets"].items() if steps in of_set["model"]}
    rows |= {
        "**mean, sets trained on**": metrics["mean_trained"],
        "**mean, all sets**": metrics["mean"],
        "**all windows**": metrics["pooled"],
    }
    head = ["set", "windows", *_BESIDE_LAST_VALUE.values(), *_MODEL_ONLY.values()]
    return [
        f"| {' | '.join(head)} |",
        f"| {' | '.join('---' for _ in head)} |",
        *(f"| {name} | {_cells(figures, steps)} |" for name, figures in rows.items()),
    ]


def _cells(figures: Mapping[str, Any], steps: str) -> str:
    model, last = figures["model"][steps], figures["last_value"][steps]
    beside = [f"{_number(model.get(key))} / {_number(last.get(key))}" for key in _BESIDE_LAST_VALUE]
    alone = [_number(model.get(key)) for key in _MODEL_ONLY]
    return " | ".join([str(figures.get("windows", "")), *beside, *alone])


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
