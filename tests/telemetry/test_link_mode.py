"""The hysteresis of a link's mode."""

import numpy as np
import pytest

from pba.telemetry.link_mode import LinkMode
from pba.types import Floats, NetworkMode


def window(mbps: float, rtt_ms: float = np.nan) -> Floats:
    telemetry = np.full((10, 5), np.nan)
    telemetry[:, 0], telemetry[:, 1] = mbps, rtt_ms
    return telemetry


SLOW, FAST = window(50.0), window(5000.0, 1.0)
TEN_S = 10_000_000


def test_a_new_link_is_detected_at_once_and_then_every_ten_seconds():
    link = LinkMode()
    assert link.due(5)
    link = link.after(SLOW, 5)
    assert link == LinkMode(NetworkMode.INTERNET, since_us=5, checked_us=5)
    assert not link.due(TEN_S)
    assert link.due(TEN_S + 5)


def test_a_candidate_is_dropped_if_the_next_detection_disagrees():
    link = LinkMode().after(SLOW, 0).after(FAST, TEN_S).after(SLOW, 2 * TEN_S)
    assert (link.mode, link.candidate, link.switches) == (NetworkMode.INTERNET, None, 0)
    link = link.after(FAST, 3 * TEN_S)
    assert link.mode is NetworkMode.INTERNET


def test_two_different_candidates_do_not_change_the_mode():
    link = LinkMode().after(SLOW, 0).after(FAST, TEN_S).after(window(5000.0, 20.0), 2 * TEN_S)
    assert (link.mode, link.candidate) == (NetworkMode.INTERNET, NetworkMode.HYBRID)


@pytest.mark.parametrize("telemetry", [SLOW, FAST])
def test_a_steady_link_never_switches(telemetry: Floats):
    link = LinkMode()
    for step in range(100):
        link = link.after(telemetry, step * TEN_S)
    assert (link.switches, link.since_us) == (0, 0)


def test_a_mode_rests_on_several_samples_however_slowly_they_come():
    slow, fast = SLOW[0], FAST[0]
    link = LinkMode().after(SLOW, 0)
    for minute in range(1, 12):  # a sample a minute, so each is a detection; one in two is odd
        rows = np.stack([fast if (number + minute) % 2 else slow for number in range(4)])
        link = link.after(rows, minute * 6 * TEN_S)
    assert link.switches == 0
    short = LinkMode().after(SLOW, 0).after(FAST[:2], TEN_S).after(FAST[:2], 2 * TEN_S)
    assert short.mode is NetworkMode.INTERNET
    assert short.after(FAST[:3], 3 * TEN_S).after(FAST[:3], 4 * TEN_S).switches == 1
