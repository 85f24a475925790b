"""The report of an evaluation, for people: Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pba.models import v1_features
from pba.types import HORIZONS

__all__ = ["markdown"]

_DETAILS = {
    "accuracy_10": "±10 %",
    "mae": "MAE",
    "rmse": "RMSE",
    "mdape": "MdAPE",
    "smape": "sMAPE",
    "bias": "bias",
    "pinball": "pinball",
    "coverage_50": "in 50 %",
    "coverage_90": "in 90 %",
    "calibration_error": "calibration",
    "chance_calibration_error": "by chance",
    "near_accuracy_20": "near changes ±20 %",
    "near_mae": "near changes MAE",
}
_BESIDE = {
    "mae": "mean absolute error",
    "near_mae": "mean absolute error near changes",
}
_MARKS = {"better": "+", "worse": "−", "noise": ""}

Figures = Mapping[str, Any]


def markdown(results: Mapping[str, Figures], model: str, version: Mapping[str, str]) -> str:
    """Return the report of all modes.

    Parameters
    ----------
    results
        Mode → what `pba.evaluation.mode_evaluation` found.
    model
        What the results call the model that is evaluated.
    version
        Mode → the model's version.
    """
    lines = [
        "# How good the forecasts are",
        "",
        "`accuracy_20` is the share of forecasts within ±20 % of what came. Beside it, `+` "
        "says that the model is better than that rival and `−` that it is worse, by more than "
        "chance (95 % bootstrap interval over traces); without a mark the difference is noise. "
        "`calibration` is the expected error of the confidence; beside it, what a confidence that "
        "is right would show by chance over as many forecasts.",
    ]
    for mode, found in results.items():
        lines += ["", f"## {mode}: {version[mode]}, {found['split']} traces"]
        for steps in map(str, HORIZONS):
            lines += ["", f"### {mode}, {_ahead(steps)}: accuracy_20", ""]
            lines += _accuracies(found, model, steps)
        for key, what in _BESIDE.items():
            lines += ["", f"### {mode}: {what}, Mbps", "", *_beside(found, model, key)]
        lines += ["", f"### {mode}: the model by set and horizon", "", *_details(found, model)]
        lines += ["", f"### {mode}: when the model is sure", "", *_answered(found, model)]
        if path := _path(found, model):
            lines += ["", f"### {mode}: latency, loss and jitter, mean absolute error", "", *path]
    return "\n".join(lines) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [
        f"| {' | '.join(head)} |",
        f"| {' | '.join('---' for _ in head)} |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _accuracies(found: Figures, model: str, steps: str) -> list[str]:
    held = {name: one for name, one in found["sets"].items() if steps in one["scores"][model]}
    ones = list(dict.fromkeys(who for one in held.values() for who in one["scores"]))

    def cell(one: Figures, who: str) -> str:
        if who not in one["scores"]:
            return "–"
        mark = _MARKS[one["against"][who][steps]["verdict"]] if who != model else ""
        return f"{one['scores'][who][steps]['accuracy_20']:.3f}{mark}"

    rows = [[name, *(cell(one, who) for who in ones)] for name, one in held.items()]
    for title, key in (("mean, sets trained on", "mean_trained"), ("mean", "mean")):
        means = found[key]
        rows.append([f"**{title}**", *(_mean(means, who, steps) for who in ones)])
    pooled = found["pooled"]
    rows.append(["**all moments**", *(_mean(pooled, who, steps) for who in ones)])
    return table(["set", *ones], rows)


def _mean(figures: Figures, who: str, steps: str) -> str:
    return f"{figures[who][steps]['accuracy_20']:.3f}" if who in figures else "–"


def _beside(found: Figures, model: str, key: str) -> list[str]:
    held = {name: one["scores"] for name, one in found["sets"].items()}
    held["**all moments**"] = found["pooled"]
    ones = list(dict.fromkeys(who for scores in held.values() for who in scores))
    rows = [
        [name, steps, *(_shown(scores.get(who, {}).get(steps, {}).get(key)) for who in ones)]
        for name, scores in held.items()
        for steps in scores[model]
    ]
    return table(["set", "steps", *ones], rows)


def _details(found: Figures, model: str) -> list[str]:
    held = {name: one["scores"][model] for name, one in found["sets"].items()}
    held["**all moments**"] = found["pooled"][model]
    rows = [
        [name, steps, str(figures["count"]), *(_shown(figures.get(key)) for key in _DETAILS)]
        for name, horizons in held.items()
        for steps, figures in horizons.items()
    ]
    return table(["set", "steps", "moments", *_DETAILS.values()], rows)


def _answered(found: Figures, model: str) -> list[str]:
    rows = [
        [
            steps,
            f"{one['confidence']:.2f}",
            _shown(one["share"]),
            _shown(one["accuracy_20"]),
        ]
        for steps, figures in found["pooled"][model].items()
        for one in figures["answered"]
    ]
    return table(["steps", "confidence at least", "share of forecasts", "of those in band"], rows)


def _path(found: Figures, model: str) -> list[str]:
    control = [who for who in (v1_features.NAME,) if who in found["pooled"]]
    ones = [model, *control, "last_value", "ewma_0.5"]
    rows = [
        [
            name,
            what,
            *(f"{one['path'][who][what]:.4g}" for who in ones),
        ]
        for name, one in found["sets"].items()
        for what in one["path"].get(model, {})
    ]
    return table(["set", "", model, *control, "last value", "EWMA"], rows) if rows else []


def _ahead(steps: str) -> str:
    return f"{steps} step{'s' * (steps != '1')} ahead"


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
