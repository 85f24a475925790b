"""The Markdown report of an evaluation."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pba.evaluation.confident_part import GOALS
from pba.evaluation.holm import LEAST_TRACES
from pba.evaluation.targets import TARGETS, described
from pba.models import v1_features

__all__ = ["forecasts_to_act_on", "markdown", "table"]

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
_ERRORS = {
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
        Mode → the figures of `pba.evaluation.mode_evaluation.ModeResult`.
    model
        The name of the evaluated model in the results.
    version
        Mode → the model's version.
    """
    lines = [
        "# How good the forecasts are",
        "",
        "`accuracy_20` is the share of forecasts within ±20 % of the actual. `+` after a rival's "
        "value says that the model is better than this rival, and `−` that it is worse, by more "
        "than chance (95 % bootstrap interval over traces); without a mark the difference is "
        "noise. `calibration` is the expected calibration error of the confidence; `by chance` is "
        "the error that a perfectly calibrated confidence would show on as many forecasts.",
    ]
    for mode, figures in results.items():
        lines += ["", f"## {mode}: {version[mode]}, {figures['split']} traces", ""]
        lines += _sets_of_means(figures)
        lines += ["", *_rules(figures)]
        for steps in TARGETS:
            if steps not in figures["pooled"][model]:
                continue
            lines += ["", f"### {mode}, {described(steps)}: accuracy_20", ""]
            lines += _accuracies(figures, model, steps)
        for key, title in _ERRORS.items():
            lines += ["", f"### {mode}: {title}, Mbps", "", *_errors(figures, model, key)]
        lines += ["", f"### {mode}: the model by set and horizon", "", *_details(figures, model)]
        lines += ["", f"### {mode}: accuracy by confidence", "", *_thresholds(figures, model)]
        lines += ["", f"### {mode}: forecasts to act on", "", *forecasts_to_act_on(figures)]
        if path := _path(figures, model):
            lines += ["", f"### {mode}: latency, loss and jitter, mean absolute error", "", *path]
    return "\n".join(lines) + "\n"


def _sets_of_means(figures: Figures) -> list[str]:
    """Return which sets the means are over."""
    lines = [f"Trained on: {', '.join(figures['trained']) or 'none of these sets'}."]
    if figures["unseen"]:
        lines.append(f"Unseen networks: {', '.join(figures['unseen'])}.")
    uncounted = [name for name in figures["sets"] if name not in figures["counted"]]
    if uncounted:
        lines.append(f"In no mean: {', '.join(uncounted)}.")
    return lines


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [
        f"| {' | '.join(header)} |",
        f"| {' | '.join('---' for _ in header)} |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _accuracies(figures: Figures, model: str, steps: str) -> list[str]:
    sets = {
        name: results
        for name, results in figures["sets"].items()
        if steps in results["scores"][model]
    }
    candidates = _candidates(results["scores"] for results in sets.values())

    def cell(results: Figures, candidate: str) -> str:
        if steps not in results["scores"].get(candidate, {}):
            return "–"
        against = results["against"]
        mark = _MARKS[against[candidate][steps]["verdict"]] if candidate != model else ""
        return f"{results['scores'][candidate][steps]['accuracy_20']:.3f}{mark}"

    rows = [
        [name, *(cell(results, candidate) for candidate in candidates)]
        for name, results in sets.items()
    ]
    for title, key in (
        ("mean, sets trained on", "mean_trained"),
        ("mean, unseen networks", "mean_unseen"),
        ("mean", "mean"),
        ("all points", "pooled"),
    ):
        accuracies = (_accuracy(figures[key], candidate, steps) for candidate in candidates)
        rows.append([f"**{title}**", *accuracies])
    return table(["set", *candidates], rows)


def _candidates(tables: Iterable[Figures]) -> list[str]:
    """Return the candidates of all tables in order, each once."""
    return list(dict.fromkeys(candidate for scores in tables for candidate in scores))


def _accuracy(scores: Figures, candidate: str, steps: str) -> str:
    figures = scores.get(candidate, {}).get(steps)
    return f"{figures['accuracy_20']:.3f}" if figures else "–"


def _errors(figures: Figures, model: str, key: str) -> list[str]:
    sets = {name: results["scores"] for name, results in figures["sets"].items()}
    sets["**all points**"] = figures["pooled"]
    candidates = _candidates(sets.values())
    rows = [
        [name, steps, *(_number(scores.get(c, {}).get(steps, {}).get(key)) for c in candidates)]
        for name, scores in sets.items()
        for steps in scores[model]
    ]
    return table(["set", "steps", *candidates], rows)


def _details(figures: Figures, model: str) -> list[str]:
    sets = {name: results["scores"][model] for name, results in figures["sets"].items()}
    sets["**all points**"] = figures["pooled"][model]
    rows = [
        [name, steps, str(scores["count"]), *(_number(scores.get(key)) for key in _DETAILS)]
        for name, horizons in sets.items()
        for steps, scores in horizons.items()
    ]
    return table(["set", "steps", "points", *_DETAILS.values()], rows)


def _thresholds(figures: Figures, model: str) -> list[str]:
    rows = [
        [
            steps,
            f"{threshold['confidence']:.2f}",
            _number(threshold["share"]),
            _number(threshold["accuracy_20"]),
        ]
        for steps, scores in figures["pooled"][model].items()
        for threshold in scores["answered"]
    ]
    return table(["steps", "confidence at least", "share of forecasts", "of those in band"], rows)


def forecasts_to_act_on(figures: Figures) -> list[str]:
    """Return from which confidence on forecasts are 70 % and 85 % in band, and how many these are.

    Each cell is the lowest such confidence and the share of forecasts that reach it.
    """
    titles = {"counted": "**all points**", "unseen": "**unseen networks**"}
    rows = [
        [titles.get(name, name), steps, *map(_reached, of["reached"])]
        for name, targets in figures["confident"].items()
        for steps, of in targets.items()
    ]
    goals = [f"{goal:.0%} in band".replace("%", " %") for goal in GOALS]
    return table(["set", "steps", *goals], rows)


def _reached(goal: Figures) -> str:
    if goal["confidence"] is None:
        return "–"
    return f"≥ {goal['confidence']:.2f} ({100 * goal['share']:.0f} %)"


def _rules(figures: Figures) -> list[str]:
    """Return where the model is behind a rule, by Holm's procedure."""
    rules = figures["rules"]
    line = (
        f"{rules['comparisons']} comparisons with rules on sets of at least {LEAST_TRACES} traces"
    )
    behind = [
        f"{one['set_name']}, {described(one['target'])}: {one['rule']} ({-one['difference']:+.3f})"
        for one in rules["behind"]
    ]
    lines = [
        f"{line}: the model is behind in {len(behind) or 'none'}, by more than chance over all of "
        "them (Holm's correction, 5 %)."
    ]
    if behind:
        lines.append(f"Behind: {'; '.join(behind)}.")
    if rules["small"]:
        lines.append(f"Smaller sets are left out of this: {', '.join(rules['small'])}.")
    return lines


def _path(figures: Figures, model: str) -> list[str]:
    control = [name for name in (v1_features.NAME,) if name in figures["pooled"]]
    candidates = [model, *control, "last_value", "ewma_0.5"]
    rows = [
        [name, column, *(f"{results['path'][c][column]:.4g}" for c in candidates)]
        for name, results in figures["sets"].items()
        for column in results["path"].get(model, {})
    ]
    return table(["set", "", model, *control, "last value", "EWMA"], rows) if rows else []


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
