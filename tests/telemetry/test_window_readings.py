"""Windows that are read at once, against the same ones read one by one."""

import numpy as np
import pytest

from pba.telemetry.window_readings import WindowReading, read_window, read_windows
from pba.types import History


def dirty_history(rng: np.random.Generator, count: int) -> History:
    """Return a history that may have gaps, bursts, outliers, another unit, and missing values."""
    intervals = np.full(count, rng.choice([1.0, 15.0])) * rng.uniform(0.9, 1.1, count)
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = 50.0 * np.exp(np.cumsum(rng.normal(0, rng.choice([0.02, 0.2]), count)))
    telemetry[:, 1] = 20.0 * rng.uniform(0.9, 1.1, count)
    kind = rng.integers(8)
    place = rng.integers(1, count)
    if kind == 0:
        intervals[place] *= rng.choice([5.0, 30.0])
    elif kind == 1:
        intervals[::2] *= 0.1
    elif kind == 2:
        telemetry[place, 0] *= rng.choice([0.0, 0.2, 5.0, 80.0])
    elif kind == 3:
        telemetry[-1, 0] *= 20.0
    elif kind == 4:
        telemetry[-6:, 0] *= rng.choice([8.0, 1e3])
    elif kind == 5:
        telemetry[place, 1] = 600_000.0
    elif kind == 6:
        telemetry[: count // 2, 1] = np.nan
    elif kind == 7:
        intervals *= rng.uniform(0.2, 2.0, count)
    telemetry[:, 0] = np.minimum(telemetry[:, 0], 9e6)
    return History(1e9 + np.cumsum(intervals), telemetry)


def parts(reading: WindowReading) -> list[object]:
    window, cleaned = reading.window, reading.cleaned
    return [
        window.samples.timestamps_s.tolist(),
        np.nan_to_num(window.samples.telemetry, nan=-1.0).tolist(),
        (window.length, window.step_s, window.regular),
        np.nan_to_num(cleaned.telemetry, nan=-1.0).tolist(),
        (cleaned.replaced, cleaned.newest_unlike),
        (reading.unstable, reading.unit_suspected),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_many_windows_are_read_as_each_alone(seed: int):
    rng = np.random.default_rng(seed)
    counts = rng.choice([2, 10, 59, 60, 61, 300], size=200, p=[0.05, 0.05, 0.1, 0.4, 0.2, 0.2])
    histories = [dirty_history(rng, int(count)) for count in counts]
    together = read_windows(histories, 60)
    alone = [read_window(history, 60) for history in histories]
    assert [parts(one) for one in together] == [parts(one) for one in alone]
    assert any(one.cleaned.replaced for one in alone)
    assert any(one.unit_suspected for one in alone)
    assert any(not one.window.regular for one in alone)
    assert any(one.unstable for one in alone)


def test_few_windows_are_read_too():
    rng = np.random.default_rng(0)
    histories = [dirty_history(rng, 60) for _ in range(2)]
    assert [parts(one) for one in read_windows(histories, 60)] == [
        parts(read_window(one, 60)) for one in histories
    ]
    assert read_windows([], 60) == []
