"""What a model's ONNX file reaches on data it has never seen, beside the last value."""

from typing import Any

from pba.evaluation import scores
from pba.evaluation.baselines import repetition
from pba.evaluation.candidates import candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.walk_forward import walk_forward
from pba.models.onnx import OnnxForecaster
from pba.telemetry.datasets import WindowSet

__all__ = ["evaluate"]


def evaluate(forecaster: OnnxForecaster, data: WindowSet, trained: tuple[str, ...]) -> Any:
    """Return the figures of `pba.evaluation.scores` for the model and for the last value.

    Parameters
    ----------
    trained
        Names of the sets that the model was trained on.

    Returns
    -------
    dict
        ``sets`` (set → ``windows``, ``model``, ``last_value``), ``pooled`` (all windows alike),
        ``mean`` and ``mean_trained`` (all sets alike); below each speaker horizon → figures.
    """
    moments = {name: EvaluationPoints(data.only(at)) for name, at in data.by_set() if len(at)}
    report: dict[str, Any] = {
        "sets": {name: {"windows": len(found)} for name, found in moments.items()}
    }
    report |= {"pooled": {}, "mean": {}, "mean_trained": {}}
    for one in (candidate(forecaster, "model"), repetition()):
        said = {name: walk_forward(one, found) for name, found in moments.items()}
        found = {name: scores.scores(said[name], moments[name]) for name in moments}
        for name in moments:
            report["sets"][name][one.name] = found[name]
        report["pooled"][one.name] = scores.pooled([(said[n], moments[n]) for n in moments])
        report["mean"][one.name] = scores.mean(list(found.values()))
        known = [found[name] for name in moments if name in trained]
        report["mean_trained"][one.name] = scores.mean(known)
    return report
