"""Scores against an independent computation, one forecast at a time."""

import math
import statistics

import numpy as np
import pytest

from pba.evaluation.candidates import CandidateForecasts, point_only
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.scores import mean, path_errors, pooled, scores
from pba.evaluation.targets import POINTS, TARGETS
from pba.types import QUANTILES
from tests.evaluation.test_evaluation_points import trace


@pytest.fixture
def points(rng: np.random.Generator) -> EvaluationPoints:
    rates = np.exp(np.cumsum(rng.normal(0, 0.15, 80))) * 50
    rates[40:43] = 0.0
    return EvaluationPoints.of([trace(rates.tolist())], 10)


@pytest.fixture
def forecasts(points: EvaluationPoints, rng: np.random.Generator) -> CandidateForecasts:
    point = np.nan_to_num(points.actual_mbps, nan=1.0) * np.exp(rng.normal(0, 0.3, (70, 6)))
    spread = np.linspace(0.6, 1.5, len(QUANTILES))
    return CandidateForecasts(
        point, rng.uniform(0, 1, point.shape), point[..., None] * spread, np.full((70, 3), np.nan)
    )


def test_every_figure_agrees_with_a_plain_loop(
    forecasts: CandidateForecasts, points: EvaluationPoints
) -> None:
    figures = scores(forecasts, points)
    assert tuple(figures) == TARGETS
    for index, target in enumerate(TARGETS):
        rows = [
            (
                forecasts.bandwidth_mbps[i, index],
                points.actual_mbps[i, index],
                forecasts.confidence[i, index],
                i,
            )
            for i in range(len(points))
            if not math.isnan(points.actual_mbps[i, index])
        ]
        expected = expected_figures(
            rows, forecasts.quantiles_mbps[:, index], points.near_change[:, index]
        )
        computed = figures[target]
        assert ("near_mae" in computed) == (target in POINTS)
        for name, value in expected.items():
            assert computed[name] == pytest.approx(value), name


def expected_figures(rows, quantiles, near) -> dict[str, float]:
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
    figures = {
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
    }
    if close:
        figures["near_accuracy_20"] = sum(hit(f, a) for f, a in close) / len(close)
        figures["near_mae"] = sum(abs(f - a) for f, a in close) / len(close)
    return figures


def test_reliability_and_confidence_thresholds_add_up(
    forecasts: CandidateForecasts, points: EvaluationPoints
) -> None:
    figures = scores(forecasts, points)["1"]
    parts = figures["reliability"]
    assert sum(part["count"] for part in parts) == figures["count"]
    hits = sum(part["count"] * part["accuracy_20"] for part in parts)
    assert hits / figures["count"] == pytest.approx(figures["accuracy_20"])
    shares = [part["share"] for part in figures["answered"]]
    assert shares == sorted(shares, reverse=True)
    sure = forecasts.confidence[:, 0] >= 0.7
    at_70 = next(part for part in figures["answered"] if part["confidence"] == 0.7)
    assert at_70["share"] == sure.mean()


def test_point_forecasts_have_no_intervals_and_no_calibration(
    points: EvaluationPoints,
) -> None:
    figures = scores(point_only(np.ones((70, 6))), points)["1"]
    assert "accuracy_20" in figures
    assert not {"pinball", "coverage_90", "calibration_error", "answered"} & set(figures)


def test_the_pool_weighs_points_equally_and_a_mean_weighs_sets_equally() -> None:
    short, long = (
        EvaluationPoints.of([trace([rate] * count)], 2) for rate, count in ((1.0, 5), (2.0, 13))
    )
    right, wrong = point_only(np.full((3, 6), 1.0)), point_only(np.full((11, 6), 1.0))
    assert pooled([(right, short), (wrong, long)])["1"]["accuracy_20"] == pytest.approx(3 / 14)
    both = mean([scores(right, short), scores(wrong, long)])
    assert both["1"]["accuracy_20"] == 0.5
    assert both["5"]["mae"] == 1.0, "the short set has no actual 5 steps ahead"
    assert "15" not in both


def test_path_errors_are_over_measured_values() -> None:
    one = trace([1.0] * 6)
    one.telemetry[:, 1] = [1, 1, 4, np.nan, 7, 1]
    points = EvaluationPoints.of([one], 2)
    forecasts = point_only(np.ones((4, 6)))
    forecasts.path[:, 0] = 5.0
    assert path_errors(forecasts, points) == {"latency_ms": pytest.approx((1 + 2 + 4) / 3)}
