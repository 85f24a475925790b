"""The mean over the next steps, on links whose integral is known."""

import numpy as np
import pytest

from pba.telemetry.datasets import WindowSet
from pba.telemetry.interval_means import interval_means
from pba.types import INTERVALS, Floats, History


def means(times: list[float], rates: list[float], newest: int, gap_s: float = 10.0) -> Floats:
    return interval_means(
        np.array(times), np.array(rates), 1.0, gap_s, np.array([newest])
    ).mean_mbps[0]


def test_on_a_regular_link_it_is_the_mean_of_the_next_samples(rng: np.random.Generator) -> None:
    times, rates = np.arange(100.0), rng.uniform(0.0, 50.0, 100)
    result = interval_means(times, rates, 1.0, 10.0, np.arange(40)).mean_mbps
    for column, steps in enumerate(INTERVALS):
        expected = [rates[newest + 1 : newest + 1 + steps].mean() for newest in range(40)]
        np.testing.assert_allclose(result[:, column], expected, rtol=1e-9)


def test_each_rate_weighs_as_long_as_it_was_measured() -> None:
    # 2 Mbps for 1 s, 4 for 3 s, and 8 for the last second of the interval.
    assert means([0.0, 1.0, 4.0, 7.0], [9.0, 2.0, 4.0, 8.0], 0)[0] == pytest.approx(4.4)


def test_polling_jitter_does_not_change_a_steady_link(rng: np.random.Generator) -> None:
    times = np.arange(100.0) + rng.uniform(-0.2, 0.2, 100)
    result = interval_means(times, np.full(100, 7.0), 1.0, 10.0, np.arange(40)).mean_mbps
    np.testing.assert_allclose(result, 7.0)


def test_zeros_count() -> None:
    assert means([0, 1, 2, 3, 4, 5], [5.0, 0.0, 0.0, 10.0, 0.0, 0.0], 0)[0] == pytest.approx(2.0)


def test_four_fifths_must_be_covered() -> None:
    assert means([0, 1, 2, 3, 4], [5.0, 1.0, 2.0, 3.0, 4.0], 0)[0] == pytest.approx(2.5)
    assert np.isnan(means([0, 1, 2, 3], [5.0, 1.0, 2.0, 3.0], 0)).all()
    assert np.isnan(means([0.0], [5.0], 0)).all()


def test_no_gap_may_lie_in_it_and_one_before_or_after_does_not_matter() -> None:
    times = [0.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 50.0]
    rates = [float(value) for value in range(1, 9)]
    assert means(times, rates, 1)[0] == pytest.approx(5.0)
    assert np.isnan(means(times, rates, 0)[0])
    assert np.isnan(means(times, rates, 2)[0]), "the gap is within the last second"


def test_windows_have_them_as_targets() -> None:
    rates = np.arange(1.0, 41.0)
    telemetry = np.column_stack([rates, *[np.full(40, np.nan)] * 4])
    windows = WindowSet.of({"a": [History(np.arange(40.0), telemetry)]}, 10)
    batch = windows.gather(np.array([0, 17]))
    np.testing.assert_allclose(batch.mean_mbps[0], [13.0, 18.0, np.nan])
    np.testing.assert_allclose(batch.mean_mbps[1], [30.0, 34.0, np.nan])
    in_a_row = windows.gather(np.array([17]), in_a_row=20).mean_mbps
    np.testing.assert_allclose(in_a_row[:3, 0], [30.0, 31.0, 32.0])
    assert np.isnan(in_a_row[-6:]).all(), "past the end of the series"
