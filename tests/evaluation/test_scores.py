"""Figures against an independent, plain computation, one forecast at a time."""

import math
import statistics

import numpy as np
import pytest

from pba.evaluation.candidates import CandidateForecasts, point_only
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.scores import mean, path_errors, pooled, scores
from pba.types import QUANTILES
from tests.evaluation.test_evaluation_points import trace


@pytest.fixture
def moments(rng: np.random.Generator) -> EvaluationPoints:
    rates = np.exp(np.cumsum(rng.normal(0, 0.15, 80))) * 50
    rates[40:43] = 0.0
    return EvaluationPoints.of([trace(rates.tolist())], 10)


@pytest.fixture
def said(moments: EvaluationPoints, rng: np.random.Generator) -> CandidateForecasts:
    point = np.nan_to_num(moments.actual_mbps, nan=1.0) * np.exp(rng.normal(0, 0.3, (70, 3)))
    spread = np.linspace(0.6, 1.5, len(QUANTILES))
    return CandidateForecasts(
        point, rng.uniform(0, 1, point.shape), point[..., None] * spread, np.full((70, 3), np.nan)
    )


def test_every_figure_is_what_a_plain_loop_finds(
    said: CandidateForecasts, moments: EvaluationPoints
) -> None:
    found = scores(said, moments)
    assert set(found) == {"1", "5", "15"}
    for at, steps in enumerate((1, 5, 15)):
        rows = [
            (said.bandwidth_mbps[i, at], moments.actual_mbps[i, at], said.confidence[i, at], i)
            for i in range(len(moments))
            if not math.isnan(moments.actual_mbps[i, at])
        ]
        plain = plainly(rows, said.quantiles_mbps[:, at], moments.near_change[:, at])
        told = found[str(steps)]
        for name, value in plain.items():
            assert told[name] == pytest.approx(value), name


def plainly(rows, quantiles, near) -> dict[str, float]:
    def hit(f: float, a: float, share: float = 0.2) -> bool:
        return f < 0.05 if a < 0.01 else abs(f - a) <= share * a

    count, tenths = len(rows), {}
    for f, a, sure, _ in rows:
        tenths.setdefault(min(int(sure * 10), 9), []).append((sure, hit(f, a)))
    shares = [abs(f - a) / a if a > 0 else (math.inf if f > 0 else 0.0) for f, a, _, _ in rows]
    losses = [
        max(level * (a - q), (level - 1) * (a - q))
        for _, a, _, i in rows
        for level, q in zip(QUANTILES, quantiles[i], strict=True)
    ]
    close = [(f, a) for f, a, _, i in rows if near[i]]
    return {
        "count": count,
        "near_count": len(close),
        "accuracy_20": sum(hit(f, a) for f, a, _, _ in rows) / count,
        "accuracy_10": sum(hit(f, a, 0.1) for f, a, _, _ in rows) / count,
        "mae": sum(abs(f - a) for f, a, _, _ in rows) / count,
        "rmse": math.sqrt(sum((f - a) ** 2 for f, a, _, _ in rows) / count),
        "bias": sum(f - a for f, a, _, _ in rows) / count,
        "mdape": statistics.median(shares),
        "smape": sum(2 * abs(f - a) / (f + a) if f + a else 0.0 for f, a, _, _ in rows) / count,
        "pinball": sum(losses) / len(losses),
        "coverage_50": sum(quantiles[i][2] <= a <= quantiles[i][4] for _, a, _, i in rows) / count,
        "coverage_90": sum(quantiles[i][0] <= a <= quantiles[i][6] for _, a, _, i in rows) / count,
        "calibration_error": sum(
            abs(sum(sure for sure, _ in part) - sum(was for _, was in part))
            for part in tenths.values()
        )
        / count,
        "near_accuracy_20": sum(hit(f, a) for f, a in close) / len(close),
        "near_mae": sum(abs(f - a) for f, a in close) / len(close),
    }


def test_reliability_and_the_trade_of_confidence_add_up(
    said: CandidateForecasts, moments: EvaluationPoints
) -> None:
    found = scores(said, moments)["1"]
    parts = found["reliability"]
    assert sum(part["count"] for part in parts) == found["count"]
    hits = sum(part["count"] * part["accuracy_20"] for part in parts)
    assert hits / found["count"] == pytest.approx(found["accuracy_20"])
    shares = [part["share"] for part in found["answered"]]
    assert shares == sorted(shares, reverse=True)
    sure = said.confidence[:, 0] >= 0.7
    at_70 = next(part for part in found["answered"] if part["confidence"] == 0.7)
    assert at_70["share"] == sure.mean()


def test_one_that_says_numbers_only_has_no_intervals_and_no_calibration(
    moments: EvaluationPoints,
) -> None:
    found = scores(point_only(np.ones((70, 3))), moments)["1"]
    assert "accuracy_20" in found
    assert not {"pinball", "coverage_90", "calibration_error", "answered"} & set(found)


def test_pooling_counts_moments_alike_and_a_mean_counts_sets_alike() -> None:
    short, long = (
        EvaluationPoints.of([trace([rate] * count)], 2) for rate, count in ((1.0, 5), (2.0, 13))
    )
    right, wrong = point_only(np.full((3, 3), 1.0)), point_only(np.full((11, 3), 1.0))
    assert pooled([(right, short), (wrong, long)])["1"]["accuracy_20"] == pytest.approx(3 / 14)
    both = mean([scores(right, short), scores(wrong, long)])
    assert both["1"]["accuracy_20"] == 0.5
    assert both["5"]["mae"] == 1.0, "the short set has no moment 5 steps ahead"
    assert "15" not in both


def test_path_errors_are_over_what_was_measured() -> None:
    one = trace([1.0] * 6)
    one.telemetry[:, 1] = [1, 1, 4, np.nan, 7, 1]
    moments = EvaluationPoints.of([one], 2)
    said = point_only(np.ones((4, 3)))
    said.path[:, 0] = 5.0
    assert path_errors(said, moments) == {"latency_ms": pytest.approx((1 + 2 + 4) / 3)}
