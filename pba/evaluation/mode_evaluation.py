"""The whole evaluation: every contestant at every moment of every set, and what comes of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pba.errors import NotEnoughData
from pba.evaluation import scores
from pba.evaluation.baselines import autoregression, holt, repetition, smoothing
from pba.evaluation.bootstrap import difference
from pba.evaluation.candidates import Candidate, CandidateForecasts, candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.trees import boosted_trees
from pba.evaluation.walk_forward import walk_forward
from pba.models.harmonic_mean import HarmonicMean
from pba.models.last_value import LastValue
from pba.models.mean import Mean
from pba.telemetry.datasets import WindowSet
from pba.telemetry.traces import Trace
from pba.types import HORIZONS

__all__ = ["MODEL", "ModeResult", "evaluate", "rules"]

MODEL = "pba"
"""What tables call the model that is evaluated."""


@dataclass(slots=True, eq=False)
class ModeResult:
    """What one mode's evaluation found.

    Parameters
    ----------
    figures
        Ready for JSON: ``sets``, ``pooled``, ``mean`` and ``mean_trained`` → contestant → horizon →
        figures; per set also ``moments``, ``traces``, ``path`` and ``against``, the model's lead.
    said
        Set → contestant → what it said, for pictures.
    moments
        Set → its moments.
    """

    figures: dict[str, Any]
    said: dict[str, dict[str, CandidateForecasts]] = field(default_factory=dict)
    moments: dict[str, EvaluationPoints] = field(default_factory=dict)


def rules() -> list[Candidate]:
    """Return every rule that needs no training."""
    return [
        repetition(),
        candidate(LastValue(), "last_value_rule", "1"),
        candidate(Mean(), "mean_5", "1"),
        candidate(HarmonicMean(), "harmonic_5", "1"),
        smoothing(0.3),
        smoothing(0.5),
        holt(),
        autoregression(),
    ]


def evaluate(
    sets: Mapping[str, Sequence[Trace]],
    model: Candidate,
    window: int,
    split: str = "test",
    kept: Path | None = None,
    trees: bool = True,
    on_moments: Callable[[str, int, int], None] = lambda what, of, done: None,
    others: Sequence[Candidate] = (),
) -> ModeResult:
    """Return how ``model`` and its rivals do on the traces of ``split`` in ``sets``.

    Parameters
    ----------
    window
        Samples that every contestant sees.
    kept
        Folder for answers, so that a rerun goes on where it was cut off.
    trees
        Whether to train trees, one for each set and one for all, on the ``train`` traces.
    on_moments
        Told of progress: what is asked, moments of the set, moments done.
    others
        More rivals.
    """
    moments = _moments(sets, split, window)
    walked, learnt = _by_split(sets, split), _by_split(sets, "train")
    trained = [name for name in moments if learnt[name]]
    result = ModeResult({"window": window, "split": split, "trained": trained})
    result.moments = moments
    rivals = [*others, *rules()]
    if trees:
        rivals.append(boosted_trees("gbt_mode", WindowSet.of(learnt, window)))
    for name, found in moments.items():
        own = _own_trees(learnt[name], window) if trees else []
        result.said[name] = {}
        for one in (model, *rivals, *own):
            place = kept / name / f"{one.name}.npz" if kept else None
            tell = partial(on_moments, f"{name}: {one.name}", len(found))
            seen = (
                found
                if one.view is None
                else EvaluationPoints.of([*map(one.view, walked[name])], window)
            )
            result.said[name][one.name] = walk_forward(one, seen, place, tell)
    _add_figures(result, model.name)
    return result


def _by_split(sets: Mapping[str, Sequence[Trace]], split: str) -> dict[str, list[Trace]]:
    return {name: [t for t in traces if t.split == split] for name, traces in sets.items()}


def _moments(
    sets: Mapping[str, Sequence[Trace]], split: str, window: int
) -> dict[str, EvaluationPoints]:
    found = {}
    for name, traces in _by_split(sets, split).items():
        try:
            found[name] = EvaluationPoints.of(traces, window)
        except NotEnoughData:
            continue  # a set whose traces are all shorter than a window has nothing to tell
    if not found:
        raise NotEnoughData(f"no set has a {split} trace longer than {window} samples.")
    return found


def _own_trees(learnt: Sequence[Trace], window: int) -> list[Candidate]:
    try:
        return [boosted_trees("gbt", WindowSet.of({"own": learnt}, window))]
    except NotEnoughData:
        return []


def _add_figures(result: ModeResult, model: str) -> None:
    figures, everyone = result.figures, next(iter(result.said.values()))
    figures["sets"] = {
        name: _set_figures(said, result.moments[name], model) for name, said in result.said.items()
    }
    everywhere = [one for one in everyone if all(one in said for said in result.said.values())]
    figures["pooled"] = {
        one: scores.pooled([(result.said[name][one], result.moments[name]) for name in result.said])
        for one in everywhere
    }
    for key, names in (("mean", list(result.said)), ("mean_trained", figures["trained"])):
        held = [figures["sets"][name]["scores"] for name in names]
        ones = [one for one in (held[0] if held else ()) if all(one in part for part in held)]
        figures[key] = {one: scores.mean([part[one] for part in held]) for one in ones}


def _set_figures(
    said: Mapping[str, CandidateForecasts], moments: EvaluationPoints, model: str
) -> dict[str, Any]:
    found = {one: scores.scores(what, moments) for one, what in said.items()}
    paths = {one: scores.path_errors(what, moments) for one, what in said.items()}
    return {
        "moments": len(moments),
        "traces": len(moments.windows.names),
        "scores": found,
        "path": {one: errors for one, errors in paths.items() if errors},
        "against": {
            one: {
                str(steps): _difference(said[model], what, moments, at)
                for at, steps in enumerate(HORIZONS)
                if str(steps) in found[one]
            }
            for one, what in said.items()
            if one != model
        },
    }


def _difference(
    model: CandidateForecasts, other: CandidateForecasts, moments: EvaluationPoints, at: int
) -> dict[str, Any]:
    found = difference(model, other, moments, at)
    return asdict(found) | {"verdict": found.verdict}
