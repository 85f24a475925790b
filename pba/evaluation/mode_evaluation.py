"""The evaluation of one mode: every candidate at every evaluation point of every set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pba.errors import NotEnoughData
from pba.evaluation import scores
from pba.evaluation.baselines import autoregression, ewma, holt, last_value
from pba.evaluation.bootstrap import accuracy_difference
from pba.evaluation.candidates import Candidate, CandidateForecasts, as_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.holm import behind_rules
from pba.evaluation.targets import TARGETS
from pba.evaluation.trees import boosted_trees
from pba.evaluation.walk_forward import walk_forward
from pba.models.harmonic_mean import HarmonicMean
from pba.models.last_value import LastValue
from pba.models.mean import Mean
from pba.telemetry.datasets import WindowSet
from pba.telemetry.public_sets import public_set
from pba.telemetry.traces import Trace
from pba.telemetry.validation_parts import divide_validation

__all__ = ["JUDGE", "MODEL", "ModeResult", "evaluate", "rule_candidates"]

MODEL = "pba"
"""The name in tables of the model that is evaluated."""

JUDGE = "judge"
"""The name of the part of the `val` traces that judges; ``val`` names the part that tunes."""


@dataclass(slots=True, eq=False)
class ModeResult:
    """The result of one mode's evaluation.

    Parameters
    ----------
    figures
        Ready for JSON: ``sets``, ``pooled``, ``mean``, ``mean_trained`` and ``mean_unseen`` →
        candidate → target → figures; per set also ``moments`` (the number of evaluation points),
        ``traces``, ``path`` and ``against``, the accuracy of the model less that of each rival.
        ``confident`` is set → target → which part of the model's forecasts to act on, and
        ``rules`` says where the model is behind a rule (`pba.evaluation.holm`).
        ``trained`` and ``unseen`` name the sets of the last two means. Sets that do not count
        (`pba.telemetry.public_sets`) are in none of the means.
    forecasts
        Set → candidate → its forecasts, for the plots.
    points
        Set → its evaluation points.
    """

    figures: dict[str, Any]
    forecasts: dict[str, dict[str, CandidateForecasts]] = field(default_factory=dict)
    points: dict[str, EvaluationPoints] = field(default_factory=dict)


def rule_candidates() -> list[Candidate]:
    """Return every rule that needs no training."""
    return [
        last_value(),
        as_candidate(LastValue(), "last_value_rule", "1"),
        as_candidate(Mean(), "mean_5", "1"),
        as_candidate(HarmonicMean(), "harmonic_5", "1"),
        ewma(0.3),
        ewma(0.5),
        holt(),
        autoregression(),
    ]


def evaluate(
    sets: Mapping[str, Sequence[Trace]],
    model: Candidate,
    window: int,
    split: str = "test",
    cache: Path | None = None,
    trees: bool = True,
    on_progress: Callable[[str, int, int], None] = lambda label, total, done: None,
    rivals: Sequence[Candidate] = (),
    trained_on: Sequence[str] | None = None,
) -> ModeResult:
    """Return how ``model`` and its rivals do on the traces of ``split`` in ``sets``.

    Parameters
    ----------
    window
        Samples that every candidate sees.
    split
        ``test`` to report, ``val`` to choose, ``judge`` for the part of `val` that judges.
    cache
        Folder for forecasts, so that a rerun resumes where an interrupted run ended.
    trees
        Whether to train trees, one for each set and one for all, on the ``train`` traces.
    on_progress
        Called with a label (set and candidate), the set's number of points, and those done.
    rivals
        Candidates beside the rules and the trees.
    trained_on
        Names of the sets that ``model`` was trained on; None for all that have `train` traces.
    """
    points = _points(sets, split, window)
    evaluated, training = _by_split(sets, split, window), _by_split(sets, "train", window)
    figures = {"window": window, "split": split, **_sets_of_means(points, training, trained_on)}
    result = ModeResult(figures, points=points)
    rivals = [*rivals, *rule_candidates()]
    if trees:
        rivals.append(boosted_trees("gbt_mode", WindowSet.of(training, window)))
    for name, set_points in points.items():
        set_trees = _set_trees(training[name], window) if trees else []
        result.forecasts[name] = {}
        for candidate in (model, *rivals, *set_trees):
            file = cache / name / f"{candidate.name}.npz" if cache else None
            progress = partial(on_progress, f"{name}: {candidate.name}", len(set_points))
            view = candidate.view
            seen = (
                set_points
                if view is None
                else EvaluationPoints.of([*map(view, evaluated[name])], window)
            )
            result.forecasts[name][candidate.name] = walk_forward(candidate, seen, file, progress)
    _add_figures(result, model.name)
    _add_summaries(result, model.name)
    return result


def _sets_of_means(
    points: Mapping[str, EvaluationPoints],
    training: Mapping[str, Sequence[Trace]],
    trained_on: Sequence[str] | None,
) -> dict[str, list[str]]:
    """Return the names of the sets that are counted, trained on, and those that are unseen."""
    counted = [name for name in points if public_set(name).is_counted]
    trained = [name for name in counted if name in (trained_on or ())]
    if trained_on is None:
        trained = [name for name in counted if training[name]]
    unseen = [name for name in counted if public_set(name).later and name not in trained]
    return {"counted": counted, "trained": trained, "unseen": unseen}


def _by_split(
    sets: Mapping[str, Sequence[Trace]], split: str, window: int
) -> dict[str, list[Trace]]:
    """Return the traces of ``split``; of `val`, the part that tunes or, for ``judge``, the rest."""
    of_split = "val" if split == JUDGE else split
    selected = {name: [t for t in traces if t.split == of_split] for name, traces in sets.items()}
    if of_split != "val":
        return selected
    parts = {name: divide_validation(traces, window) for name, traces in selected.items()}
    return {name: part.judge if split == JUDGE else part.tune for name, part in parts.items()}


def _points(
    sets: Mapping[str, Sequence[Trace]], split: str, window: int
) -> dict[str, EvaluationPoints]:
    points = {}
    for name, traces in _by_split(sets, split, window).items():
        try:
            points[name] = EvaluationPoints.of(traces, window)
        except NotEnoughData:
            continue  # a set whose traces are all shorter than a window has no evaluation point
    if not points:
        raise NotEnoughData(f"no set has a {split} trace longer than {window} samples.")
    return points


def _set_trees(training: Sequence[Trace], window: int) -> list[Candidate]:
    """Return trees trained on one set, if it has enough windows."""
    try:
        return [boosted_trees("gbt", WindowSet.of({"own": training}, window))]
    except NotEnoughData:
        return []


def _add_figures(result: ModeResult, model: str) -> None:
    figures, forecasts, points = result.figures, result.forecasts, result.points
    counted = figures["counted"]
    figures["sets"] = {
        name: _set_figures(by_candidate, points[name], model)
        for name, by_candidate in forecasts.items()
    }
    figures["pooled"] = {
        candidate: scores.pooled([(forecasts[name][candidate], points[name]) for name in counted])
        for candidate in _in_every([forecasts[name] for name in counted])
    }
    for key, sets in (("mean", "counted"), ("mean_trained", "trained"), ("mean_unseen", "unseen")):
        tables = [figures["sets"][name]["scores"] for name in figures[sets]]
        figures[key] = {
            candidate: scores.mean([table[candidate] for table in tables])
            for candidate in _in_every(tables)
        }


def _add_summaries(result: ModeResult, model: str) -> None:
    """Add which part of the model's forecasts to act on, and where it is behind a rule."""
    figures = result.figures
    parts = {name: (of[model], result.points[name]) for name, of in result.forecasts.items()}
    groups = {key: figures[key] for key in ("counted", "unseen")}
    figures["confident"] = scores.confident_parts(parts, **groups)
    rules = [rule.name for rule in rule_candidates()]
    counted = {name: figures["sets"][name] for name in figures["counted"]}
    figures["rules"] = behind_rules(counted, rules)


def _in_every(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the candidates that every table has; trees of one set are not in all."""
    first = tables[0] if tables else {}
    return [candidate for candidate in first if all(candidate in table for table in tables)]


def _set_figures(
    forecasts: Mapping[str, CandidateForecasts], points: EvaluationPoints, model: str
) -> dict[str, Any]:
    figures = {name: scores.scores(forecast, points) for name, forecast in forecasts.items()}
    paths = {name: scores.path_errors(forecast, points) for name, forecast in forecasts.items()}
    return {
        "moments": len(points),
        "traces": len(points.windows.names),
        "scores": figures,
        "path": {name: errors for name, errors in paths.items() if errors},
        "against": {
            rival: {
                target: _difference(forecasts[model], forecast, points, index)
                for index, target in enumerate(TARGETS)
                if target in figures[rival] and target in figures[model]
            }
            for rival, forecast in forecasts.items()
            if rival != model
        },
    }


def _difference(
    model: CandidateForecasts, rival: CandidateForecasts, points: EvaluationPoints, target: int
) -> dict[str, Any]:
    difference = accuracy_difference(model, rival, points, target)
    return asdict(difference) | {"verdict": difference.verdict}
