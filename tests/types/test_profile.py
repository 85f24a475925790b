"""The profiles of the modes' networks."""

import pytest

from pba.types import NetworkMode
from pba.types.profile import PROFILES, ModeSelection


def test_hybrid_has_no_profile():
    assert set(PROFILES) == {NetworkMode.DATACENTER, NetworkMode.INTERNET}
    assert all(profile.mode is mode for mode, profile in PROFILES.items())


def test_the_profiles_have_the_specified_shapes():
    datacenter, internet = PROFILES[NetworkMode.DATACENTER], PROFILES[NetworkMode.INTERNET]
    assert (datacenter.window, datacenter.units, datacenter.dropout) == (30, (128, 64), 0.2)
    assert (internet.window, internet.units, internet.dropout) == (60, (256, 128), 0.3)
    assert (datacenter.learning_rate, internet.learning_rate) == (1e-3, 5e-4)
    assert (datacenter.accuracy_target, internet.accuracy_target) == (0.85, 0.70)


@pytest.mark.parametrize(
    ("selection", "modes"),
    [
        (ModeSelection.BOTH, (NetworkMode.DATACENTER, NetworkMode.INTERNET)),
        (ModeSelection.DATACENTER, (NetworkMode.DATACENTER,)),
        (ModeSelection.INTERNET, (NetworkMode.INTERNET,)),
    ],
)
def test_a_selection_has_its_modes(selection, modes):
    assert selection.modes == modes
