"""The figures of an exported model on unseen data, beside those of the last value."""

from collections.abc import Mapping, Sequence
from typing import Any

from pba.evaluation import scores
from pba.evaluation.baselines import last_value
from pba.evaluation.candidates import CandidateForecasts, served_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.walk_forward import walk_forward
from pba.models.onnx import OnnxForecaster
from pba.telemetry.datasets import WindowSet
from pba.telemetry.public_sets import public_set

__all__ = ["evaluate"]


def evaluate(forecaster: OnnxForecaster, data: WindowSet, trained_on: tuple[str, ...]) -> Any:
    """Return the figures of `pba.evaluation.scores` for the model and for the last value.

    Parameters
    ----------
    trained_on
        Names of the sets that the model was trained on.

    Returns
    -------
    dict
        ``sets`` (set → ``windows``, ``model``, ``last_value``), ``pooled`` (each window counts
        alike), ``mean`` and ``mean_trained`` (each set counts alike). For each candidate they
        contain horizon → figures. ``confident`` says which of the model's forecasts to act on, also
        ``unseen``: of all sets that it was not trained on. Sets that do not count
        (`pba.telemetry.public_sets`) are in ``sets`` alone.
    """
    points = {
        name: EvaluationPoints(data.only(indices))
        for name, indices in data.by_set()
        if len(indices)
    }
    report: dict[str, Any] = {
        "sets": {name: {"windows": len(of_set)} for name, of_set in points.items()}
    }
    report |= {"pooled": {}, "mean": {}, "mean_trained": {}}
    for candidate in (served_candidate(forecaster, "model"), last_value()):
        forecasts = {name: walk_forward(candidate, of_set) for name, of_set in points.items()}
        figures = {name: scores.scores(forecasts[name], points[name]) for name in points}
        for name in points:
            report["sets"][name][candidate.name] = figures[name]
        counted = [name for name in points if public_set(name).is_counted]
        pairs = [(forecasts[name], points[name]) for name in counted]
        report["pooled"][candidate.name] = scores.pooled(pairs)
        report["mean"][candidate.name] = scores.mean([figures[name] for name in counted])
        if candidate.name == "model":
            report["confident"] = _confident(forecasts, points, counted, trained_on)
        trained = [figures[name] for name in counted if name in trained_on]
        report["mean_trained"][candidate.name] = scores.mean(trained)
    return report


def _confident(
    forecasts: Mapping[str, CandidateForecasts],
    points: Mapping[str, EvaluationPoints],
    counted: Sequence[str],
    trained_on: Sequence[str],
) -> dict[str, Any]:
    parts = {name: (forecasts[name], points[name]) for name in points}
    unseen = [name for name in counted if name not in trained_on]
    return scores.confident_parts(parts, counted=counted, unseen=unseen)
