"""What the store does with samples of wrong clocks, zones and units."""

from pathlib import Path

import numpy as np
import pytest

from pba.scoring.transfer_sums import RecordedTransfer
from pba.store import SampleReport, Store, WriteBatch
from pba.store.values import Receipt
from pba.telemetry.windows import current_window
from pba.types import NetworkMode

NOW_S = 1_772_366_400.0


class Link:
    """One link of a SQLite store, with a clock that is set by hand."""

    def __init__(self, path: Path) -> None:
        self.now_s = NOW_S
        self.store = Store(f"sqlite:///{path}", lambda: self.now_s).ready()

    def report(self, times_s: np.ndarray, mbps: np.ndarray | float = 80.0) -> Receipt:
        telemetry = np.full((len(times_s), 5), np.nan)
        telemetry[:, 0] = mbps
        return self.store.write(WriteBatch([SampleReport("a", times_s, telemetry)]))[0]

    @property
    def newest_s(self) -> float:
        return float(self.store.link_contexts(["a"])["a"].history.timestamps_s[-1])

    def events(self, kind: str) -> list[dict]:
        return [event.body for event in self.store.events(kind=kind)]


@pytest.fixture
def link(tmp_path: Path) -> Link:
    return Link(tmp_path / "pba.db")


def test_a_clock_that_was_ahead_and_is_set_right_freezes_nothing(link: Link):
    for second in range(60):
        link.now_s = NOW_S + second
        link.report(np.array([link.now_s + 240.0]))
    link.now_s += 1.0
    receipt = link.report(np.array([link.now_s]))
    assert (receipt.accepted, receipt.late, receipt.duplicates) == (1, 0, 0)
    assert link.newest_s == link.now_s
    [event] = link.events("clock_set_back")
    assert (event["moved"], event["seconds"]) == (60, 240.0)
    for _ in range(25):
        link.now_s += 1.0
        receipt = link.report(np.array([link.now_s]))
        assert (receipt.accepted, receipt.late) == (1, 0)


def test_transfers_that_would_begin_ahead_of_a_clock_set_right_are_removed(link: Link):
    link.report(NOW_S - 60.0 + np.arange(60.0))
    link.report(np.array([NOW_S + 290.0]))
    for after_s in (NOW_S - 1.0, NOW_S + 290.0):
        one = RecordedTransfer("a", after_s, NOW_S, "internet", 1.0, 10, None, (1.0,) * 7)
        link.store.write(WriteBatch(transfers=[one]))
    link.now_s += 5.0
    link.report(np.array([link.now_s]))
    assert [one.transfer.after_s for one in link.store.jobs.due_transfers(9)] == [NOW_S - 1.0]


def test_a_lone_sample_ahead_is_moved_by_the_next(link: Link):
    link.report(NOW_S - 60.0 + np.arange(60.0))
    link.report(np.array([NOW_S + 290.0]))
    link.now_s += 1.0
    link.report(np.array([link.now_s]))
    history = link.store.link_contexts(["a"])["a"].history
    assert history.timestamps_s[-2:].tolist() == [NOW_S, NOW_S + 1.0]
    assert np.diff(history.timestamps_s).max() == 1.0


def test_a_clock_that_stays_ahead_is_left_alone(link: Link):
    for second in range(30):
        link.now_s = NOW_S + second
        assert link.report(np.array([link.now_s + 240.0])).accepted == 1
    assert len(link.store.link_contexts(["a"])["a"].history) == 30
    assert link.events("clock_set_back") == []


def test_old_samples_that_arrive_late_remove_nothing(link: Link):
    link.report(np.array([NOW_S + 20.0]))
    receipt = link.report(NOW_S - 3600.0 + np.arange(10.0))
    assert receipt.late == 10
    assert link.newest_s == NOW_S + 20.0


def test_of_two_reporters_the_one_ahead_is_moved_and_reported_once(link: Link):
    for second in range(20):
        link.now_s = NOW_S + second
        link.report(np.array([link.now_s + 240.0]))
        link.report(np.array([link.now_s]))
    assert link.newest_s == link.now_s
    assert len(link.events("clock_set_back")) == 1


@pytest.mark.parametrize("hours", [-9.5, -1.0, 1.0, 5.5])
def test_an_age_of_whole_half_hours_names_the_zone(link: Link, hours: float):
    receipt = link.report(np.array([NOW_S - 3600.0 * hours - 1.0]))
    assert receipt.reasons == ("zone_suspected",)
    assert link.report(np.array([NOW_S - 1.0])).reasons == ()


@pytest.mark.parametrize("factor", [1e3, 1e6])
def test_five_samples_in_another_unit_are_named(link: Link, factor: float):
    link.report(NOW_S - 60.0 + np.arange(60.0), 6.0)
    receipt = link.report(NOW_S + np.arange(5.0), 6.0 * factor)
    assert receipt.reasons == ("unit_suspected",)


def test_samples_in_another_unit_one_by_one_are_named_within_ten_seconds(link: Link):
    link.report(NOW_S - 60.0 + np.arange(60.0), 60.0)
    reasons = [link.report(np.array([NOW_S + second]), 480.0).reasons for second in range(11)]
    assert ("unit_suspected",) in reasons


def test_one_counter_reset_at_a_sample_a_minute_changes_no_mode(link: Link):
    modes = set()
    for minute in range(40):
        link.now_s = NOW_S + 60.0 * minute
        mbps = 4349.0 if minute == 20 else 80.0
        modes.add(link.report(np.array([link.now_s]), mbps).mode)
    assert modes == {NetworkMode.INTERNET}


def test_a_link_of_two_agents_has_a_whole_window(link: Link):
    times_s = NOW_S - 15.0 * np.arange(200)[::-1]
    link.report(np.sort(np.concatenate([times_s, times_s - 1.0])))
    window = current_window(link.store.link_contexts(["a"])["a"].history, longest=60)
    assert (window.length, window.step_s, window.regular) == (60, 15.0, True)


def test_samples_that_a_router_with_a_clock_ahead_received_are_moved_too(link: Link):
    link.now_s = NOW_S + 20.0
    link.report(NOW_S + 6.0 + np.arange(16.0))  # that router sees nothing odd in these
    link.now_s = NOW_S
    receipt = link.report(np.array([NOW_S]))
    times_s = link.store.link_contexts(["a"])["a"].history.timestamps_s
    assert (receipt.accepted, len(times_s)) == (1, 17)
    assert times_s[-1] == NOW_S
