"""Augmentation: removed columns, synthetic columns, changed volatility and distance."""

import numpy as np
import pytest

from pba.nets import augmentation
from pba.nets.augmentation import augment
from pba.telemetry.datasets import WindowBatch
from pba.types import Floats


def no_path(count: int) -> Floats:
    return np.full((count, 3), np.nan, dtype=np.float32)


def windows(measured: tuple[int, ...], count: int = 2000) -> Floats:
    telemetry = np.full((count, 12, 5), np.nan, dtype=np.float32)
    telemetry[..., 0] = np.arange(12.0)
    telemetry[..., list(measured)] = 7.0
    return telemetry


def augment_columns_only(telemetry: Floats, rng: np.random.Generator) -> Floats:
    """Return the telemetry from `augment` without changes of rates and distances."""
    future_mbps = np.ones((len(telemetry), 3), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augmentation, "_POWER_SHARE", 0.0)
        patch.setattr(augmentation, "_DISTANCE_FACTOR", 1.0)
        return augment(
            WindowBatch(telemetry, future_mbps, no_path(len(telemetry)), future_mbps), rng
        ).telemetry


def test_whole_columns_are_removed_but_never_bandwidth(rng: np.random.Generator) -> None:
    inputs = windows((1, 2, 3, 4))
    augmented = augment_columns_only(inputs, rng)
    missing = np.isnan(augmented[..., 1:])
    assert (missing.all(axis=1) == missing.any(axis=1)).all()
    assert missing.mean() == pytest.approx(0.3, abs=0.02)
    assert (augmented[..., 0] == inputs[..., 0]).all()
    assert not np.isnan(inputs[..., 1:]).any(), "the input is not modified"


def test_half_of_the_links_get_another_volatility_and_their_targets_with_them(
    rng: np.random.Generator,
) -> None:
    inputs = windows((4,))
    future_mbps = np.repeat([[12.0, 16.0, np.nan], [13.0, 17.0, 0.0]], 2000, axis=0)
    future_mbps = future_mbps.reshape(2, 2000, 3).swapaxes(0, 1).reshape(4000, 3)
    augmented = augment(WindowBatch(inputs, future_mbps, no_path(4000), future_mbps), rng)
    power = np.log(augmented.telemetry[:, 9, 0]) / np.log(9.0)
    powered = np.abs(power - 1.0) > 1e-6
    assert powered.mean() == pytest.approx(0.5, abs=0.05)
    assert np.exp(-0.4) <= power.min() < 0.7
    assert 1.4 < power.max() <= np.exp(0.4)
    assert (augmented.telemetry[:, 0, 0] == 0.0).all(), "an outage stays an outage"
    present = ~np.isnan(augmented.telemetry[:, 0, 4])
    np.testing.assert_allclose(augmented.telemetry[present, 0, 4], 7.0 ** power[present], rtol=1e-5)
    expected = future_mbps ** np.repeat(power, 2)[:, None]
    np.testing.assert_allclose(augmented.future_mbps, expected, rtol=1e-5)
    known = np.where(np.repeat(powered, 2)[:, None], np.nan, future_mbps)
    np.testing.assert_allclose(augmented.mean_mbps, known, rtol=1e-5)


def test_measured_columns_are_never_replaced(rng: np.random.Generator) -> None:
    augmented = augment_columns_only(windows((1, 3)), rng)
    for column in (1, 3):
        present = ~np.isnan(augmented[:, 0, column])
        assert (augmented[present, :, column] == 7.0).all()


def test_synthetic_paths_are_as_common_with_measured_columns_as_without(
    rng: np.random.Generator,
) -> None:
    for measured in ((), (1,)):
        present = ~np.isnan(augment_columns_only(windows(measured), rng)[..., 2:4])
        assert (present.all(axis=1) == present.any(axis=1)).all()
        assert present.mean() == pytest.approx(0.4 * 0.7, abs=0.03)
    assert np.isnan(augment_columns_only(windows(()), rng)[..., 4]).all()


def test_synthetic_paths_are_valid_and_of_every_size(rng: np.random.Generator) -> None:
    augmented = augment_columns_only(windows(()), rng)
    latency, loss, jitter = (augmented[~np.isnan(augmented[:, 0, c]), :, c] for c in (1, 2, 3))
    assert latency.min() < 1.0 < 100.0 < latency.max()
    assert jitter.min() < 0.1 < 10.0 < jitter.max()
    assert (loss >= 0).all()
    assert (loss <= 1).all()
    assert 0.4 < (loss == 0).all(axis=1).mean() < 0.7


def test_distances_are_scaled_with_their_targets(rng: np.random.Generator) -> None:
    future_mbps = np.ones((4000, 3), dtype=np.float32)
    path = np.full((4000, 3), 7.0, dtype=np.float32)
    inputs = windows((1, 2, 3))
    augmented = augment(WindowBatch(inputs, future_mbps, path, future_mbps), rng)
    factor = augmented.path[::2, 0] / 7.0
    assert 0.1 <= factor.min() < 0.12
    assert 8.0 < factor.max() <= 10.0
    assert np.median(factor) == pytest.approx(1.0, abs=0.15)
    np.testing.assert_allclose(augmented.path[:, 2], augmented.path[:, 0])
    np.testing.assert_allclose(augmented.path[1::2], augmented.path[::2])
    assert (augmented.path[:, 1] == 7.0).all(), "loss does not scale with distance"
    for column in (1, 3):
        present = ~np.isnan(augmented.telemetry[:, 0, column])
        np.testing.assert_allclose(
            augmented.telemetry[present, 5, column], 7.0 * factor[present], rtol=1e-5
        )


def test_synthetic_windows_have_synthetic_targets(rng: np.random.Generator) -> None:
    inputs = windows(())
    future_mbps = np.ones((4000, 3), dtype=np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(augmentation, "_DISTANCE_FACTOR", 1.0)
        patch.setattr(augmentation, "_MISSING_SHARE", 0.0)
        augmented = augment(WindowBatch(inputs, future_mbps, no_path(4000), future_mbps), rng)
    synthetic = ~np.isnan(augmented.telemetry[:, 0, 1])
    targets = augmented.path.reshape(2000, 2, 3)
    assert synthetic.mean() == pytest.approx(0.4, abs=0.04)
    assert (np.isnan(targets).any(axis=(1, 2)) == ~synthetic).all()
    first, last = targets[synthetic, 0, 0], augmented.telemetry[synthetic, -1, 1]
    np.testing.assert_allclose(first, last)  # two in a row: the first target is in the stretch
    assert np.corrcoef(np.log(targets[synthetic, 1, 0]), np.log(last))[0, 1] > 0.9
