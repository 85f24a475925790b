"""The smoothed targets and the bins of the networks."""

import numpy as np
import pytest

from pba.nets.bin_layout import bins_for
from pba.nets.targets import soft_targets
from pba.types import NetworkMode
from pba.types.profile import PROFILES


@pytest.mark.parametrize("mode", list(PROFILES))
def test_each_target_is_a_distribution_that_peaks_at_its_own_bin(mode: NetworkMode) -> None:
    rows = soft_targets(bins_for(mode))
    np.testing.assert_allclose(rows.sum(axis=1), 1.0, atol=1e-6)
    assert rows.argmax(axis=1).tolist() == list(range(len(rows)))


def test_the_target_of_an_outage_is_not_smoothed() -> None:
    rows = soft_targets(bins_for(NetworkMode.INTERNET))
    assert rows[0, 0] == 1.0
    assert not rows[1:, 0].any()


def test_datacenter_bins_are_finer_at_the_level() -> None:
    fine, coarse = (np.diff(bins_for(mode).edges).min() for mode in PROFILES)
    assert fine < coarse / 2
