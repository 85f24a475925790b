"""Which forecasts one step ahead are in band, on real `test` traces: v1, v3 and two rules."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.sampled_traces import NOT_COUNTED
from pba.evaluation.baselines import ewma, last_value
from pba.evaluation.candidates import Candidate, control_candidate, served_candidate
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.metrics import in_band
from pba.evaluation.walk_forward import walk_forward
from pba.models import v1_features
from pba.models.onnx_session import SessionSettings
from pba.registry import artifacts
from pba.telemetry.traces import Trace, read_sets
from pba.types import NetworkMode
from pba.types.profile import PROFILES

__all__ = ["Hits", "trace_hits"]

MODE = NetworkMode.INTERNET
MODELS = Path(__file__).parents[1] / "models"
THREADS = 2
Hits = NDArray[np.bool_]


def trace_hits(
    folder: Path, cache: Path, on_set: Callable[[str, int], None] = lambda name, moments: None
) -> dict[str, Hits]:
    """Return the hits of each arm at all moments, in the order of sets, traces and time.

    Parameters
    ----------
    folder
        Traces, one folder a mode.
    cache
        Folder for forecasts, which a rerun reads.
    """
    candidates = _candidates()
    hits: dict[str, list[Hits]] = {name: [] for name in candidates}
    for name, traces in read_sets(folder, MODE).items():
        tested = [trace for trace in traces if trace.split == "test"]
        if name in NOT_COUNTED or not any(len(t.timestamps_s) > 100 for t in tested):
            continue
        points = _points(tested)
        on_set(name, len(points))
        for arm, candidate in candidates.items():
            inputs = points if candidate.view is None else _points([*map(candidate.view, tested)])
            forecasts = walk_forward(candidate, inputs, cache / name / f"{arm}.npz")
            hits[arm].append(in_band(forecasts.bandwidth_mbps[:, 0], points.actual_mbps[:, 0]))
    return {arm: np.concatenate(of_sets) for arm, of_sets in hits.items()}


def _candidates() -> dict[str, Candidate]:
    v3, card = artifacts.load(str(MODELS / MODE), MODE, session=SessionSettings(threads=THREADS))
    v1, v1_card = artifacts.load(
        str(MODELS / "v1"), v1_features.NAME, session=SessionSettings(threads=THREADS)
    )
    return {
        "v1": control_candidate(v1, v1_card["sha256"]),
        "v3": served_candidate(v3, "pba", card["sha256"]),
        "last value": last_value(),
        "EWMA": ewma(0.3),
    }


def _points(traces: list[Trace]) -> EvaluationPoints:
    return EvaluationPoints.of(traces, PROFILES[MODE].window)
