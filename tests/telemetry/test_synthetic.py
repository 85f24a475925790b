"""Synthetic links: ranges, autocorrelation, volatility clusters, congestion, outages."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.errors import InvalidInput, InvalidMode
from pba.evaluation.metrics import accuracy
from pba.telemetry import synthetic
from pba.telemetry.synthetic import generate_synthetic_data
from pba.types import History, NetworkMode

RANGES = {
    "datacenter": [(1000, 10_000), (0.5, 10), (0, 0.001), (0, 2)],
    "internet": [(100, 900), (10, 500), (0, 0.02), (1, 50)],
}


def telemetry(mode: str, count: int, seed: int) -> np.ndarray:
    samples = generate_synthetic_data(mode, count, np.random.default_rng(seed))
    return History.of(samples).telemetry


def last_value(mode: str, seed: int) -> float:
    bandwidth = telemetry(mode, 1000, seed)[:, 0]
    return accuracy(bandwidth[:-1], bandwidth[1:])


def test_the_public_names_are_those_listed():
    assert synthetic.__all__ == ["generate_synthetic_data"]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(RANGES)), st.integers(1, 1500), st.integers(0, 2**32))
def test_every_sample_is_complete_and_within_the_ranges(mode, count, seed):
    rows = telemetry(mode, count, seed)
    assert rows.shape == (count, 5)
    for column, (low, high) in enumerate(RANGES[mode]):
        assert rows[:, column].min() >= low
        assert rows[:, column].max() <= high
    assert (rows[:, 4] > 0).all()
    assert (rows[:, 4] <= rows[:, 0]).all()


def test_samples_are_one_second_apart_from_the_start():
    start = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    rows = generate_synthetic_data("internet", 5, start=start)
    assert [sample.timestamp for sample in rows] == [
        start + timedelta(seconds=second) for second in range(5)
    ]


def test_a_thousand_samples_are_the_default_and_a_mode_may_be_the_enum():
    assert len(generate_synthetic_data(NetworkMode.DATACENTER)) == 1000


def test_a_link_depends_on_the_generator_only():
    first, again, other = (telemetry("internet", 100, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert generate_synthetic_data("internet", 50) != generate_synthetic_data("internet", 50)


@pytest.mark.parametrize(
    ("mode", "low", "high"), [("datacenter", 0.88, 0.95), ("internet", 0.72, 0.85)]
)
def test_the_accuracy_of_the_last_value_is_realistic(mode, low, high):
    rows = np.array([last_value(mode, seed) for seed in range(60)])
    assert low < np.median(rows) < high
    assert np.mean((rows > low) & (rows < high)) > 0.9
    assert low - 0.03 < rows.min()
    assert rows.max() < high + 0.03


@pytest.mark.parametrize("mode", sorted(RANGES))
def test_bandwidth_is_autocorrelated(mode):
    bandwidth = np.log(telemetry(mode, 3000, 3)[:, 0])
    shuffled = np.random.default_rng(0).permutation(bandwidth)
    assert np.corrcoef(bandwidth[:-10], bandwidth[10:])[0, 1] > 0.3
    assert abs(np.corrcoef(shuffled[:-10], shuffled[10:])[0, 1]) < 0.1


@pytest.mark.parametrize("mode", sorted(RANGES))
def test_volatility_is_autocorrelated(mode):
    steps = np.abs(np.diff(np.log(telemetry(mode, 20_000, 4)[:, 0])))
    steps = np.minimum(steps, np.quantile(steps, 0.98))
    assert np.corrcoef(steps[:-2], steps[2:])[0, 1] > 0.08


@pytest.mark.parametrize("mode", sorted(RANGES))
def test_congestion_raises_latency_loss_and_jitter_before_bandwidth_falls(mode):
    rows = telemetry(mode, 5000, 5)
    changes = np.diff(np.log(rows[:, 0]))
    queued = np.diff(rows[:, 1])
    assert np.corrcoef(queued[:-1], changes[1:])[0, 1] < -0.1
    between = np.corrcoef(rows[:, 1:4], rowvar=False)
    assert between.min() > 0.3


def test_a_datacenter_link_has_plateaus_of_a_throttled_rate():
    bandwidth = telemetry("datacenter", 3000, 6)[:, 0]
    smooth = np.convolve(bandwidth, np.ones(15) / 15, "valid")
    low, high = np.quantile(smooth, [0.05, 0.95])
    near_an_end = (smooth < low * 1.3) | (smooth > high / 1.3)
    assert high > 1.5 * low
    assert near_an_end.mean() > 0.6


@pytest.mark.parametrize("mode", sorted(RANGES))
def test_short_outages_reduce_a_link_to_the_minimum(mode):
    bandwidth = telemetry(mode, 20_000, 7)[:, 0]
    down = bandwidth <= RANGES[mode][0][0]
    lasts = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], down, [0]]))))[::2]
    assert 5 <= (lasts >= 3).sum() <= 120
    assert np.median(lasts[lasts >= 3]) <= 8


def test_evenings_are_slower_than_mornings():
    def median(hour: int) -> float:
        start = datetime(2026, 1, 1, hour, tzinfo=UTC)
        rows = [
            generate_synthetic_data("internet", 200, np.random.default_rng(seed), start)
            for seed in range(30)
        ]
        return float(np.median([s.bandwidth_mbps for samples in rows for s in samples]))

    assert median(20) < 0.8 * median(8)


@pytest.mark.parametrize("mode", ["hybrid", "wan", "", None])
def test_other_modes_are_refused(mode):
    with pytest.raises(InvalidMode, match="mode is") as caught:
        generate_synthetic_data(mode)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("count", [0, -1])
def test_fewer_than_one_sample_is_refused(count):
    with pytest.raises(InvalidInput, match="at least 1"):
        generate_synthetic_data("internet", count)
