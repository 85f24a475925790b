"""Forecasts are cached, reused, and never used for another candidate."""

from pathlib import Path

import numpy as np
import pytest

from pba.evaluation import walk_forward as module
from pba.evaluation.candidates import Candidate, CandidateForecasts, as_candidate, point_only
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.walk_forward import walk_forward
from pba.models.last_value import LastValue
from tests.evaluation.test_evaluation_points import trace

POINTS = EvaluationPoints.of([trace([float(i) for i in range(1, 31)])], 5)


def counting(name: str = "one", identity: str = "1") -> tuple[Candidate, list[int]]:
    sizes: list[int] = []

    def forecast(telemetry: np.ndarray) -> CandidateForecasts:
        sizes.append(len(telemetry))
        return point_only(telemetry[:, -1:, 0].repeat(6, axis=1))

    return Candidate(name, identity, forecast), sizes


def test_forecasts_depend_on_earlier_samples_only() -> None:
    forecasts = walk_forward(as_candidate(LastValue()), POINTS)
    np.testing.assert_allclose(forecasts.bandwidth_mbps[:, 0], np.arange(5, 30), rtol=0.01)
    assert forecasts.quantiles_mbps.shape == (25, 6, 7)


def test_chunks_are_concatenated_and_progress_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = walk_forward(counting()[0], POINTS)
    monkeypatch.setattr(module, "_CHUNK", 7)
    candidate, sizes = counting()
    progress: list[int] = []
    forecasts = walk_forward(candidate, POINTS, on_progress=progress.append)
    assert sizes == [7, 7, 7, 4]
    assert progress == [7, 14, 21, 25]
    np.testing.assert_array_equal(forecasts.bandwidth_mbps, whole.bandwidth_mbps)


def test_cached_forecasts_are_reused(tmp_path: Path) -> None:
    cache = tmp_path / "set" / "one.npz"
    first = walk_forward(counting()[0], POINTS, cache)
    candidate, sizes = counting()
    again = walk_forward(candidate, POINTS, cache)
    assert not sizes
    np.testing.assert_array_equal(again.bandwidth_mbps, first.bandwidth_mbps)
    assert [path.name for path in cache.parent.iterdir()] == ["one.npz"]


def test_another_identity_or_other_points_are_forecast_again(tmp_path: Path) -> None:
    cache = tmp_path / "one.npz"
    walk_forward(counting()[0], POINTS, cache)
    newer, sizes = counting(identity="2")
    walk_forward(newer, POINTS, cache)
    assert sizes
    others = EvaluationPoints.of([trace([3.0] * 30)], 5)
    candidate, sizes = counting(identity="2")
    assert walk_forward(candidate, others, cache).bandwidth_mbps[0, 0] == 3.0
    assert sizes
