"""The card of a model: what it is, where it comes from, what it reached. JSON and Markdown."""

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

from pba.models import v1_features
from pba.models.distribution import Bins, decode
from pba.types import HORIZONS

from .gate_report import verdict

__all__ = ["machine", "make_card", "markdown", "next_version", "revision"]

_BESIDE = {
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
_ALONE = {
    "pinball": "pinball",
    "coverage_50": "in 50 %",
    "coverage_90": "in 90 %",
    "calibration_error": "calibration",
}


def next_version(mode: str, today: date, folder: Path, taken: Sequence[str] = ()) -> str:
    """Return ``<mode>-<year>.<month>.<day>-<n>``, one above those of today.

    Those are the card in ``folder`` and the versions ``taken``.

    >>> next_version(NetworkMode.INTERNET, date(2026, 11, 23), Path("nowhere"))
    'internet-2026.11.23-1'
    """
    stem, card = f"{mode}-{today:%Y.%m.%d}-", folder / "card.json"
    known = [*taken, json.loads(card.read_text())["version"]] if card.exists() else taken
    ends = [one.removeprefix(stem) for one in known if one.startswith(stem)]
    return f"{stem}{max((int(end) for end in ends if end.isdecimal()), default=0) + 1}"


def revision() -> str:
    """Return the git revision of this code, ``-dirty`` where it was changed since.

    ``unknown`` outside a repository.
    """
    try:
        found = _git("rev-parse", "--short=12", "HEAD")
        return f"{found}-dirty" if _git("status", "--porcelain", "pba", "train") else found
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    command = ["git", "-C", str(Path(__file__).parents[1]), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def machine() -> str:
    """Return what trained the model, as far as it matters to its figures."""
    return f"{platform.machine()}, {cpu_count()} CPUs, Python {platform.python_version()}"


def make_card(content: bytes, metadata: Mapping[str, str], **origin: Any) -> dict[str, Any]:
    """Return the card of the ONNX file ``content``.

    Parameters
    ----------
    metadata
        What the file says of itself.
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
        "columns": json.loads(metadata["columns"]),
        "columns_seen": json.loads(metadata["columns_seen"]),
        "bins": json.loads(metadata["bin_edges"]),
        "trained_on": json.loads(metadata["trained_on"]),
        "revision": metadata["revision"],
        **origin,
    }


def markdown(card: Mapping[str, Any]) -> str:
    """Return ``card`` for people."""
    seen = [name for name, was in zip(card["columns"], card["columns_seen"], strict=True) if was]
    lines = [
        f"# {card['version']}",
        "",
        _purpose(card),
        "",
        f"- Trained on: {', '.join(card['trained_on'])} (`train` splits only)",
        f"- Columns seen in training: {', '.join(seen)}",
        f"- Code {card['revision']}, seed {card['seed']}, {card['epochs']} epochs",
        _certainty(card),
        f"- Machine: {card['machine']}",
        f"- Command: `{card['command']}`",
        f"- ONNX sha256: `{card['sha256']}`",
        "",
        "Where no licence is stated for a set (see the traces' README), it is used to train and to "
        "evaluate only and is not part of this folder.",
        "",
        "## On the `test` splits",
        "",
        "In each cell: this model / the last value repeated, then what only the model gives. "
        "MAE, RMSE, bias and pinball loss are in Mbps; near changes means within 5 samples of a "
        "step of over 20 %; calibration is the expected error of the confidence. `pba evaluate` "
        "compares with more rivals.",
    ]
    for steps in HORIZONS:
        lines += [
            "",
            f"### {steps} step{'s' * (steps > 1)} ahead",
            "",
            *_table(card["metrics"], str(steps)),
        ]
    if "gate" in card:
        lines += ["", *verdict(card)]
    return "\n".join(lines) + "\n"


def _purpose(card: Mapping[str, Any]) -> str:
    if card["mode"] == v1_features.NAME:
        return (
            f"The control arm: forecasts the bandwidth of any link one step ahead from the last "
            f"{card['window']} samples, and says the same 5 and 15 steps ahead."
        )
    return (
        f"Forecasts the bandwidth of {card['mode']} links 1, 5 and 15 steps ahead from the last "
        f"{card['window']} samples."
    )


def _certainty(card: Mapping[str, Any]) -> str:
    if "sharpness" in card:
        powers = ", ".join(f"{power:.3g}" for power in card["sharpness"])
        return f"- Sharpness 1, 5, 15 steps ahead, fitted on `val`: {powers}"
    said = decode(np.array([card["spread"]]), np.ones(1), Bins(np.array(card["bins"])))
    sure = ", ".join(f"{one:.3f}" for one in said.confidence[0])
    moved = ", ".join(f"{one:.3f}" for one in said.bandwidth_mbps[0])
    return (
        f"- Confidence 1, 5, 15 steps ahead, the same for every window, measured on `val`: {sure}; "
        f"its number is multiplied by {moved}"
    )


def _table(metrics: Mapping[str, Any], steps: str) -> list[str]:
    rows = {name: found for name, found in metrics["sets"].items() if steps in found["model"]}
    rows |= {
        "**mean, sets trained on**": metrics["mean_trained"],
        "**mean, all sets**": metrics["mean"],
        "**all windows**": metrics["pooled"],
    }
    head = ["set", "windows", *_BESIDE.values(), *_ALONE.values()]
    return [
        f"| {' | '.join(head)} |",
        f"| {' | '.join('---' for _ in head)} |",
        *(f"| {name} | {_cells(found, steps)} |" for name, found in rows.items()),
    ]


def _cells(found: Mapping[str, Any], steps: str) -> str:
    model, last = found["model"][steps], found["last_value"][steps]
    cells = [f"{_number(model.get(key))} / {_number(last.get(key))}" for key in _BESIDE]
    alone = [_number(model.get(key)) for key in _ALONE]
    return " | ".join([str(found.get("windows", "")), *cells, *alone])


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
