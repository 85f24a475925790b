"""Scores of transfers, on traces drawn from the very distribution that is forecast."""

import numpy as np
import pytest

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.transfer_moments import TransferMoments
from pba.evaluation.transfers import (
    MeanRates,
    fitted_exponents,
    fitted_spread,
    known_means,
    score_migrations,
    score_transfers,
)
from pba.telemetry.traces import Trace
from pba.types import QUANTILES

WINDOW = 60
LEVELS = np.array(QUANTILES)


def traces_of(levels: np.ndarray, count: int = 200) -> list[Trace]:
    """Return traces that are steady in the window, and then at one of ``levels`` each."""
    times = np.arange(float(WINDOW + count))
    rates = [np.where(times < WINDOW, 10.0, 10.0 * level) for level in levels]
    telemetry = [np.column_stack([rate, *[np.full(len(rate), np.nan)] * 4]) for rate in rates]
    return [Trace(f"{index}", "test", times, values) for index, values in enumerate(telemetry)]


@pytest.fixture
def known() -> tuple[TransferMoments, MeanRates]:
    """Return one moment a trace, and the distribution that its rate was drawn from."""
    levels = 0.5 + (np.arange(200) + 0.5) / 200
    traces = traces_of(levels)
    points = EvaluationPoints.of(traces, WINDOW)
    first = np.searchsorted(points.windows.stops, np.unique(points.windows.stops))
    moments = TransferMoments.of(traces, EvaluationPoints(points.windows.only(first)))
    quantiles_mbps = np.tile(10.0 * (0.5 + LEVELS), (len(first), 4, 1))
    return moments, (np.array([1.0, 5.0, 15.0, 60.0]), quantiles_mbps)


def test_intervals_of_the_true_distribution_hold_what_they_promise(
    known: tuple[TransferMoments, MeanRates],
):
    score = score_transfers(*known, 60.0, (0.0, 0.0))
    assert score is not None
    assert score.moments == 200
    assert score.coverage.censored == 0.0
    assert score.coverage.inside == pytest.approx(0.8, abs=0.02)
    assert score.coverage.below == pytest.approx(0.1, abs=0.02)
    assert score.ratio == pytest.approx(1.0, abs=0.02), "the average is the median here"


def test_censored_transfers_count_with_the_share_that_is_forecast(
    known: tuple[TransferMoments, MeanRates],
):
    score = score_transfers(*known, 180.0, (0.0, 0.0))
    assert score is not None
    assert 0.3 < score.coverage.censored < 0.6
    assert score.coverage.inside == pytest.approx(0.8, abs=0.02)


def test_too_narrow_intervals_are_noticed_and_widened_by_the_fit(
    known: tuple[TransferMoments, MeanRates],
):
    moments, (steps, quantiles_mbps) = known
    narrow = steps[:2], (10.0 + 0.5 * (quantiles_mbps - 10.0))[:, :2]
    score = score_transfers(moments, narrow, 60.0, (0.0, 0.0))
    assert score is not None
    assert score.coverage.inside < 0.6
    slow, fast = fitted_exponents({"a": (moments, narrow)}, 60.0)
    assert slow > 0.0
    assert fast > 0.0


def test_migrations_are_scored_against_the_rounds_on_the_trace(
    known: tuple[TransferMoments, MeanRates],
):
    score = score_migrations(*known, 10.0, 0.2)
    assert score is not None
    assert score.time.inside == pytest.approx(0.8, abs=0.05)
    assert score.not_converged == 0
    never = score_migrations(*known, 10.0, 3.0)
    assert never is not None
    assert never.never == never.right == never.not_converged == never.moments


def test_only_complete_intervals_are_used():
    quantiles_mbps = np.ones((3, 6, 7))
    quantiles_mbps[:, 5] = np.nan
    steps, means_mbps = known_means(quantiles_mbps)
    np.testing.assert_array_equal(steps, [1, 5, 15])
    assert means_mbps.shape == (3, 3, 7)
    assert known_means(quantiles_mbps, with_intervals=False)[0].tolist() == [1, 5, 15]


def test_the_spread_of_horizons_is_fitted_to_that_of_their_means(
    known: tuple[TransferMoments, MeanRates],
):
    moments, (_, means_mbps) = known
    wide = 10.0 * (means_mbps[:, :3] / 10.0) ** 2.0
    targets = np.concatenate([wide, np.full_like(wide, np.nan)], axis=1)
    assert fitted_spread({"a": (moments, targets)}) == pytest.approx(0.5, abs=0.1)
