"""What is taken from windows, what is made up, and which links are bent."""

import numpy as np
import pytest

from pba.nets import augmentation
from pba.nets.augmentation import vary
from pba.telemetry.datasets import WindowBatch
from pba.types import Floats


def no_path(count: int) -> Floats:
    return np.full((count, 3), np.nan, dtype=np.float32)


def windows(measured: tuple[int, ...], count: int = 2000) -> Floats:
    telemetry = np.full((count, 12, 5), np.nan, dtype=np.float32)
    telemetry[..., 0] = np.arange(12.0)
    telemetry[..., list(measured)] = 7.0
    return telemetry


def varied_columns(telemetry: Floats, rng: np.random.Generator) -> Floats:
    """Return what `vary` makes of the columns, rates and distances as they were."""
    future_mbps = np.ones((len(telemetry), 3), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(augmentation, "_BENT_SHARE", 0.0)
        patched.setattr(augmentation, "_FARTHEST", 1.0)
        return vary(WindowBatch(telemetry, future_mbps, no_path(len(telemetry))), rng).telemetry


def test_columns_go_from_whole_windows_but_never_bandwidth(rng: np.random.Generator) -> None:
    given = windows((1, 2, 3, 4))
    varied = varied_columns(given, rng)
    lost = np.isnan(varied[..., 1:])
    assert (lost.all(axis=1) == lost.any(axis=1)).all()
    assert lost.mean() == pytest.approx(0.3, abs=0.02)
    assert (varied[..., 0] == given[..., 0]).all()
    assert not np.isnan(given[..., 1:]).any(), "what was given is not changed"


def test_half_of_the_links_change_more_or_less_and_the_future_with_them(
    rng: np.random.Generator,
) -> None:
    given = windows((4,))
    future_mbps = np.repeat([[12.0, 16.0, np.nan], [13.0, 17.0, 0.0]], 2000, axis=0)
    future_mbps = future_mbps.reshape(2, 2000, 3).swapaxes(0, 1).reshape(4000, 3)
    varied = vary(WindowBatch(given, future_mbps.astype(np.float32), no_path(4000)), rng)
    power = np.log(varied.telemetry[:, 9, 0]) / np.log(9.0)
    bent = np.abs(power - 1.0) > 1e-6
    assert bent.mean() == pytest.approx(0.5, abs=0.05)
    assert np.exp(-0.4) <= power.min() < 0.7
    assert 1.4 < power.max() <= np.exp(0.4)
    assert (varied.telemetry[:, 0, 0] == 0.0).all(), "an outage stays one"
    there = ~np.isnan(varied.telemetry[:, 0, 4])
    np.testing.assert_allclose(varied.telemetry[there, 0, 4], 7.0 ** power[there], rtol=1e-5)
    wanted = future_mbps ** np.repeat(power, 2)[:, None]
    np.testing.assert_allclose(varied.future_mbps, wanted, rtol=1e-5)


def test_what_is_measured_is_never_replaced(rng: np.random.Generator) -> None:
    varied = varied_columns(windows((1, 3)), rng)
    for column in (1, 3):
        kept = ~np.isnan(varied[:, 0, column])
        assert (varied[kept, :, column] == 7.0).all()


def test_made_up_paths_are_as_common_alone_as_among_measured_ones(
    rng: np.random.Generator,
) -> None:
    for measured in ((), (1,)):
        there = ~np.isnan(varied_columns(windows(measured), rng)[..., 2:4])
        assert (there.all(axis=1) == there.any(axis=1)).all()
        assert there.mean() == pytest.approx(0.4 * 0.7, abs=0.03)
    assert np.isnan(varied_columns(windows(()), rng)[..., 4]).all()


def test_made_up_paths_are_possible_and_of_every_size(rng: np.random.Generator) -> None:
    varied = varied_columns(windows(()), rng)
    latency, loss, jitter = (varied[~np.isnan(varied[:, 0, c]), :, c] for c in (1, 2, 3))
    assert latency.min() < 1.0 < 100.0 < latency.max()
    assert jitter.min() < 0.1 < 10.0 < jitter.max()
    assert (loss >= 0).all()
    assert (loss <= 1).all()
    assert 0.4 < (loss == 0).all(axis=1).mean() < 0.7


def test_a_link_is_as_often_near_as_far_and_what_comes_with_it(rng: np.random.Generator) -> None:
    future_mbps = np.ones((4000, 3), dtype=np.float32)
    path = np.full((4000, 3), 7.0, dtype=np.float32)
    given = windows((1, 2, 3))
    varied = vary(WindowBatch(given, future_mbps, path), rng)
    factor = varied.path[::2, 0] / 7.0
    assert 0.1 <= factor.min() < 0.12
    assert 8.0 < factor.max() <= 10.0
    assert np.median(factor) == pytest.approx(1.0, abs=0.15)
    np.testing.assert_allclose(varied.path[:, 2], varied.path[:, 0])
    np.testing.assert_allclose(varied.path[1::2], varied.path[::2])
    assert (varied.path[:, 1] == 7.0).all(), "a share has no distance"
    for column in (1, 3):
        kept = ~np.isnan(varied.telemetry[:, 0, column])
        np.testing.assert_allclose(varied.telemetry[kept, 5, column], 7.0 * factor[kept], rtol=1e-5)


def test_what_comes_next_is_made_up_with_its_window(rng: np.random.Generator) -> None:
    given = windows(())
    future_mbps = np.ones((4000, 3), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(augmentation, "_FARTHEST", 1.0)
        patched.setattr(augmentation, "_LOST_SHARE", 0.0)
        varied = vary(WindowBatch(given, future_mbps, no_path(4000)), rng)
    made_up = ~np.isnan(varied.telemetry[:, 0, 1])
    coming = varied.path.reshape(2000, 2, 3)
    assert made_up.mean() == pytest.approx(0.4, abs=0.04)
    assert (np.isnan(coming).any(axis=(1, 2)) == ~made_up).all()
    first, last = coming[made_up, 0, 0], varied.telemetry[made_up, -1, 1]
    np.testing.assert_allclose(first, last)  # two in a row: what follows the first is in sight
    assert np.corrcoef(np.log(coming[made_up, 1, 0]), np.log(last))[0, 1] > 0.9
