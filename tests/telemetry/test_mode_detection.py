"""The mode of a link follows from the mean of its last ten samples."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.telemetry.mode_detection import detect_mode
from pba.types import NetworkMode

DATACENTER, INTERNET, HYBRID = NetworkMode.DATACENTER, NetworkMode.INTERNET, NetworkMode.HYBRID


def telemetry(bandwidth_mbps: float, rtt_ms: float, count: int = 10) -> np.ndarray:
    rows = np.full((count, 5), np.nan)
    rows[:, 0], rows[:, 1] = bandwidth_mbps, rtt_ms
    return rows


@pytest.mark.parametrize(
    ("bandwidth_mbps", "rtt_ms", "mode"),
    [
        (1000.0, 9.99, DATACENTER),
        (1000.0, 10.0, HYBRID),
        (1000.0, 50.0, HYBRID),
        (1000.0, 50.01, INTERNET),
        (999.9, 0.1, INTERNET),
        (999.9, 20.0, INTERNET),
        (0.0, 0.0, INTERNET),
        (40_000.0, 0.0, DATACENTER),
        (1000.0, np.nan, DATACENTER),
        (999.9, np.nan, INTERNET),
    ],
)
def test_the_thresholds_are_those_of_the_old_system(bandwidth_mbps, rtt_ms, mode):
    assert detect_mode(telemetry(bandwidth_mbps, rtt_ms)) is mode


def test_only_the_last_ten_samples_are_used():
    old = telemetry(1.0, 400.0, 50)
    assert detect_mode(np.vstack([old, telemetry(5000.0, 1.0)])) is DATACENTER
    assert detect_mode(np.vstack([old, telemetry(5000.0, 1.0, 9)])) is DATACENTER
    assert detect_mode(np.vstack([old, telemetry(5000.0, 1.0, 4)])) is INTERNET


@pytest.mark.parametrize("odd", [(4349.0, np.nan), (80.0, 600_030.0), (0.0, 40.0)])
def test_one_odd_sample_changes_no_mode(odd: tuple[float, float]):
    rows = telemetry(80.0, 40.0)
    rows[7, :2] = odd
    assert detect_mode(rows) is INTERNET
    fast = telemetry(9400.0, 0.3)
    fast[2, :2] = odd
    assert detect_mode(fast) is DATACENTER


def test_fewer_than_ten_samples_are_enough():
    assert detect_mode(telemetry(5000.0, 1.0, 1)) is DATACENTER


def test_missing_round_trip_times_are_ignored():
    rows = telemetry(5000.0, np.nan)
    rows[3, 1] = 80.0
    assert detect_mode(rows) is INTERNET


@given(st.floats(0, 1e7, width=32), st.one_of(st.just(np.nan), st.floats(0, 1e6, width=32)))
def test_every_link_has_a_mode(bandwidth_mbps, rtt_ms):
    assert detect_mode(telemetry(bandwidth_mbps, rtt_ms)) in NetworkMode
