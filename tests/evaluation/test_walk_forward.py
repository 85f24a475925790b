"""Answers are kept, taken up again, and never taken for another contestant's."""

from pathlib import Path

import numpy as np
import pytest

from pba.evaluation import walk_forward as module
from pba.evaluation.candidates import Candidate, CandidateForecasts, as_candidate, point_only
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.walk_forward import walk_forward
from pba.models.last_value import LastValue
from tests.evaluation.test_evaluation_points import trace

MOMENTS = EvaluationPoints.of([trace([float(i) for i in range(1, 31)])], 5)


def counting(name: str = "one", identity: str = "1") -> tuple[Candidate, list[int]]:
    asked: list[int] = []

    def say(telemetry: np.ndarray) -> CandidateForecasts:
        asked.append(len(telemetry))
        return point_only(telemetry[:, -1:, 0].repeat(3, axis=1))

    return Candidate(name, identity, say), asked


def test_it_knows_nothing_later_than_each_moment() -> None:
    said = walk_forward(as_candidate(LastValue()), MOMENTS)
    np.testing.assert_allclose(said.bandwidth_mbps[:, 0], np.arange(5, 30), rtol=0.01)
    assert said.quantiles_mbps.shape == (25, 3, 7)


def test_chunks_are_one_answer_and_progress_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = walk_forward(counting()[0], MOMENTS)
    monkeypatch.setattr(module, "_CHUNK", 7)
    one, asked = counting()
    told: list[int] = []
    said = walk_forward(one, MOMENTS, on_progress=told.append)
    assert asked == [7, 7, 7, 4]
    assert told == [7, 14, 21, 25]
    np.testing.assert_array_equal(said.bandwidth_mbps, whole.bandwidth_mbps)


def test_kept_answers_are_not_asked_for_again(tmp_path: Path) -> None:
    kept = tmp_path / "set" / "one.npz"
    first = walk_forward(counting()[0], MOMENTS, kept)
    one, asked = counting()
    again = walk_forward(one, MOMENTS, kept)
    assert not asked
    np.testing.assert_array_equal(again.bandwidth_mbps, first.bandwidth_mbps)
    assert [path.name for path in kept.parent.iterdir()] == ["one.npz"]


def test_another_identity_or_other_moments_are_asked_anew(tmp_path: Path) -> None:
    kept = tmp_path / "one.npz"
    walk_forward(counting()[0], MOMENTS, kept)
    newer, asked = counting(identity="2")
    walk_forward(newer, MOMENTS, kept)
    assert asked
    others = EvaluationPoints.of([trace([3.0] * 30)], 5)
    one, asked = counting(identity="2")
    assert walk_forward(one, others, kept).bandwidth_mbps[0, 0] == 3.0
    assert asked
