"""What is taken from windows and what is made up; bandwidth never changes."""

import numpy as np
import pytest

from pba.nets.augment import vary
from pba.types import Floats


def windows(measured: tuple[int, ...], count: int = 2000) -> Floats:
    telemetry = np.full((count, 12, 5), np.nan, dtype=np.float32)
    telemetry[..., 0] = np.arange(12.0)
    telemetry[..., list(measured)] = 7.0
    return telemetry


def test_columns_go_from_whole_windows_but_never_bandwidth(rng: np.random.Generator) -> None:
    given = windows((1, 2, 3, 4))
    varied = vary(given, rng)
    lost = np.isnan(varied[..., 1:])
    assert (lost.all(axis=1) == lost.any(axis=1)).all()
    assert lost.mean() == pytest.approx(0.3, abs=0.02)
    assert (varied[..., 0] == given[..., 0]).all()
    assert not np.isnan(given[..., 1:]).any(), "what was given is not changed"


def test_what_is_measured_is_never_replaced(rng: np.random.Generator) -> None:
    varied = vary(windows((1, 3)), rng)
    for column in (1, 3):
        kept = ~np.isnan(varied[:, 0, column])
        assert (varied[kept, :, column] == 7.0).all()


def test_made_up_paths_are_as_common_alone_as_among_measured_ones(
    rng: np.random.Generator,
) -> None:
    for measured in ((), (1,)):
        there = ~np.isnan(vary(windows(measured), rng)[..., 2:4])
        assert (there.all(axis=1) == there.any(axis=1)).all()
        assert there.mean() == pytest.approx(0.4 * 0.7, abs=0.03)
    assert np.isnan(vary(windows(()), rng)[..., 4]).all()


def test_made_up_paths_are_possible_and_of_every_size(rng: np.random.Generator) -> None:
    varied = vary(windows(()), rng)
    latency, loss, jitter = (varied[~np.isnan(varied[:, 0, c]), :, c] for c in (1, 2, 3))
    assert latency.min() < 1.0 < 100.0 < latency.max()
    assert jitter.min() < 0.1 < 10.0 < jitter.max()
    assert (loss >= 0).all()
    assert (loss <= 1).all()
    assert 0.4 < (loss == 0).all(axis=1).mean() < 0.7
