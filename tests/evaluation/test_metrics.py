"""Every metric agrees with a slow, plain version of its definition."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.evaluation import metrics

rates = st.floats(0.0, 1e5, width=32)
pairs = st.lists(st.tuples(rates, rates), min_size=1, max_size=30)


def arrays(rows: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows)
    return table[:, 0], table[:, 1]


def hit(forecast: float, actual: float, tolerance: float) -> bool:
    if actual < 0.01:
        return forecast < 0.05
    return abs(forecast - actual) <= tolerance * actual


def smape(forecast: float, actual: float) -> float:
    return 0.0 if forecast == actual else 2 * abs(forecast - actual) / (forecast + actual)


def percentage(forecast: float, actual: float) -> float:
    if actual == 0:
        return 0.0 if forecast == 0 else math.inf
    return abs(forecast - actual) / actual


def test_every_public_name_exists():
    assert all(callable(getattr(metrics, name)) for name in metrics.__all__)


@given(pairs, st.sampled_from([0.1, 0.2]))
def test_hits_follow_the_definition(rows, tolerance):
    forecast, actual = arrays(rows)
    plain = [hit(f, a, tolerance) for f, a in rows]
    assert metrics.in_band(forecast, actual, tolerance).tolist() == plain
    assert metrics.accuracy(forecast, actual, tolerance) == pytest.approx(sum(plain) / len(plain))


def test_the_edge_of_the_band_belongs_to_it():
    assert metrics.in_band(np.array([80.0, 120.0]), np.array([100.0, 100.0])).all()
    assert not metrics.in_band(np.array([79.99, 120.01]), np.array([100.0, 100.0])).any()


def test_in_an_outage_any_forecast_near_zero_is_a_hit():
    actual = np.array([0.0, 0.0099, 0.0, 0.01])
    forecast = np.array([0.0, 0.049, 0.05, 0.049])
    assert metrics.in_band(forecast, actual).tolist() == [True, True, False, False]


@given(pairs)
def test_errors_follow_their_definitions(rows):
    forecast, actual = arrays(rows)
    errors = [f - a for f, a in rows]
    assert metrics.mae(forecast, actual) == pytest.approx(statistics.fmean(map(abs, errors)))
    assert metrics.bias(forecast, actual) == pytest.approx(statistics.fmean(errors), abs=1e-6)
    squares = statistics.fmean(error**2 for error in errors)
    assert metrics.rmse(forecast, actual) == pytest.approx(math.sqrt(squares))
    assert metrics.smape(forecast, actual) == pytest.approx(
        statistics.fmean(smape(f, a) for f, a in rows)
    )
    assert metrics.mdape(forecast, actual) == pytest.approx(
        statistics.median(percentage(f, a) for f, a in rows)
    )


@given(pairs)
def test_smape_is_symmetric_and_at_most_two(rows):
    forecast, actual = arrays(rows)
    error = metrics.smape(forecast, actual)
    assert error == pytest.approx(metrics.smape(actual, forecast))
    assert 0.0 <= error <= 2.0


@given(st.lists(st.tuples(rates, rates, rates), min_size=1, max_size=20))
def test_pinball_loss_follows_its_definition(rows):
    table, levels = np.array(rows), [0.1, 0.5]
    plain = [
        level * (a - q) if a >= q else (1 - level) * (q - a)
        for *quantiles, a in rows
        for level, q in zip(levels, quantiles, strict=True)
    ]
    assert metrics.pinball(table[:, :2], table[:, 2], np.array(levels)) == pytest.approx(
        statistics.fmean(plain)
    )


def test_pinball_loss_is_least_at_the_true_quantile():
    actual = np.random.default_rng(0).uniform(0.0, 1.0, 20_000)
    candidates = np.linspace(0.05, 0.95, 19)
    for level in (0.1, 0.5, 0.9):
        losses = [
            metrics.pinball(np.full((len(actual), 1), q), actual, np.array([level]))
            for q in candidates
        ]
        assert candidates[np.argmin(losses)] == pytest.approx(level)


def test_both_ends_of_an_interval_cover():
    low, high = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0, 2.0])
    assert metrics.coverage(low, high, np.array([1.0, 2.0, 0.9, 2.1])) == 0.5


@given(
    st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=40),
    st.integers(1, 20),
)
def test_calibration_error_follows_its_definition(rows, bins):
    parts: dict[int, list[tuple[float, bool]]] = {}
    for sure, was_hit in rows:
        parts.setdefault(min(int(sure * bins), bins - 1), []).append((sure, was_hit))
    plain = sum(
        abs(statistics.fmean(s for s, _ in part) - statistics.fmean(h for _, h in part))
        * len(part)
        / len(rows)
        for part in parts.values()
    )
    sure, hits = np.array([s for s, _ in rows]), np.array([h for _, h in rows])
    assert metrics.calibration_error(sure, hits, bins) == pytest.approx(plain, abs=1e-9)


def test_confidence_that_equals_the_hit_rate_is_calibrated():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.0, 1.0, 100_000)
    hits = rng.random(100_000) < confidence
    assert metrics.calibration_error(confidence, hits) < 0.01
    assert metrics.calibration_error(np.minimum(confidence + 0.2, 1.0), hits) > 0.1


def test_every_metric_of_no_forecasts_is_nan():
    none = np.array([])
    assert math.isnan(metrics.accuracy(none, none))
    assert math.isnan(metrics.rmse(none, none))
    assert math.isnan(metrics.mdape(none, none))
    assert math.isnan(metrics.pinball(np.empty((0, 2)), none, np.array([0.1, 0.9])))
    assert math.isnan(metrics.calibration_error(none, none))
