"""Forecasts from old samples: less sure, wider, and named."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.forecasting import ForecastResult, Query
from pba.forecasting.aging import FreshForecast, age_steps, aged, aged_together
from pba.forecasting.ensemble import MemberDistribution
from pba.forecasting.members import decode_one
from pba.models.distribution import Bins
from pba.types import QUANTILES, History
from tests.forecasting.forecast_cases import INTERNET, NOW, history, results

BINS = Bins.spaced(122, 6.0, 0.02)


def laplace(scales: tuple[float, float, float]) -> MemberDistribution:
    """Return log-ratios with a wider Laplace distribution at each horizon."""
    tails = [0.5 * np.exp(-np.abs(BINS.edges) / scale) for scale in scales]
    below = [np.where(BINS.edges < 0, tail, 1 - tail) for tail in tails]
    mass = np.diff(below, axis=1, prepend=0.0)
    return MemberDistribution(mass / mass.sum(axis=1, keepdims=True), 100.0, BINS)


def fresh(distribution: MemberDistribution, steps: int) -> FreshForecast:
    confidence = decode_one(distribution).confidence[0].tolist()
    return FreshForecast(distribution, confidence, steps)


def at_age(age_s: float, as_of_newest: bool = False) -> ForecastResult:
    steady = history(60)
    older = History(steady.timestamps_s - age_s, steady.telemetry)
    (result,) = results([Query(older, INTERNET, as_of_newest=as_of_newest)])
    return result


def test_a_fresh_forecast_is_as_it_was():
    distribution = laplace((0.05, 0.1, 0.2))
    assert aged(fresh(distribution, 0)) == pytest.approx(distribution.probabilities)


def test_within_the_horizons_the_next_longer_one_answers():
    distribution = laplace((0.05, 0.1, 0.2))
    shifted = aged(fresh(distribution, 3))  # 4, 8 and 18 steps after the newest sample
    assert shifted[0] == pytest.approx(distribution.probabilities[1])
    assert shifted[1] == pytest.approx(distribution.probabilities[2])


@given(st.tuples(*[st.floats(0.01, 1.0)] * 3).map(sorted), st.integers(0, 10**7))
def test_confidence_never_rises_with_age(scales: list[float], steps: int):
    distribution = laplace((scales[0], scales[1], scales[2]))
    younger, older = aged_together([fresh(distribution, age) for age in (steps, steps + 1)])
    assert (older.confidence <= younger.confidence + 1e-3).all()
    assert np.isfinite(older.quantiles_mbps).all()


def test_a_steady_link_is_believed_for_minutes_but_not_for_weeks():
    distribution = laplace((0.02, 0.02, 0.02))
    ages = (0, 60, 7200, 20 * 86_400)
    decoded = aged_together([fresh(distribution, age) for age in ages])
    confidence = [float(one.confidence[0, 0]) for one in decoded]
    assert confidence[0] > 0.99
    assert confidence[1] > 0.95
    assert confidence == sorted(confidence, reverse=True)
    assert confidence[-1] < 0.7


def test_age_counts_whole_steps():
    assert [age_steps(age, 2.0) for age in (-5.0, 0.0, 1.9, 2.0, 31.0)] == [0, 0, 0, 1, 15]


def test_a_forecast_names_the_newest_sample_its_age_and_staleness():
    new, older, stale = (at_age(age_s).forecast for age_s in (0.0, 15.0, 16.0))
    assert (new.age_s, new.newest_sample_at) == (0.0, NOW)
    assert ("stale" in older.reasons, "stale" in stale.reasons) == (False, True)
    assert (stale.made_at, stale.age_s) == (NOW, 16.0)
    assert stale.valid_until.timestamp() == NOW.timestamp() - 15.0
    assert stale.confidence < new.confidence
    low, high = (QUANTILES.index(level) for level in (0.05, 0.95))
    widths = [
        one.horizons[0].quantiles_mbps[high] - one.horizons[0].quantiles_mbps[low]
        for one in (new, stale)
    ]
    assert widths[1] > widths[0]


def test_what_is_scored_does_not_age():
    assert at_age(600.0).horizons == at_age(0.0).horizons
    assert at_age(600.0).confidence == at_age(0.0).confidence


def test_a_replay_forecasts_as_of_the_newest_sample():
    replayed = at_age(600.0, as_of_newest=True).forecast
    assert (replayed.age_s, replayed.made_at) == (0.0, replayed.newest_sample_at)
    assert replayed.horizons == at_age(0.0).forecast.horizons
    assert "stale" not in replayed.reasons
