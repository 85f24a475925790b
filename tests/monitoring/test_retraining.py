"""Which alarms ask for a retraining, and how often."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.monitoring.drift_watch import DRIFT, mode_drift
from pba.monitoring.retraining import RetrainingPolicy
from pba.registry.promotion import RETRAINED
from pba.store import SampleReport, Store, WriteBatch
from pba.types import Event, NetworkMode

NOW_S = 1.9e9


class FakeJobs:
    """Jobs that run until they are ended."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, str]] = []
        self.running_now: set[str] = set()
        self.away = False

    def submit(self, job: str, mode: str) -> None:
        if self.away:
            raise ConnectionError("no head")
        if (job, mode) not in self.submitted:
            self.submitted.append((job, mode))
            self.running_now.add(job)

    def running(self, job: str) -> bool:
        return job in self.running_now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/pba.db", lambda: NOW_S).ready()
    for name, mbps, rtt_ms in (("a", 50.0, 30.0), ("b", 50.0, 30.0), ("fabric", 5000.0, 1.0)):
        telemetry = np.full((20, 5), np.nan)
        telemetry[:, 0], telemetry[:, 1] = mbps, rtt_ms
        opened.write(WriteBatch([SampleReport(name, NOW_S - 100 + np.arange(20.0), telemetry)]))
    mixed = np.full((20, 5), np.nan)
    mixed[:, 0], mixed[:, 1] = 2000.0, 20.0
    opened.write(WriteBatch([SampleReport("hybrid", NOW_S - 100 + np.arange(20.0), mixed)]))
    yield opened
    opened.close()


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs()


def alarm(
    store: Store,
    link_id: str | None,
    what: str = "hits",
    before: float = 0.9,
    after: float = 0.4,
    kind: str = DRIFT,
    stage: str = "opened",
) -> None:
    changes = [{"what": what, "before": before, "after": after}]
    store.add_events([Event(kind, NOW_S, link_id, {"stage": stage, "changes": changes})])


def ended(store: Store, jobs: FakeJobs, decision: str, mode: str = "internet") -> None:
    jobs.running_now.clear()
    store.add_events([Event(RETRAINED, NOW_S, None, {"model": mode, "decision": decision})])


class Clock:
    def __init__(self) -> None:
        self.at_s = NOW_S

    def __call__(self) -> float:
        return self.at_s


def looks(store: Store, jobs: Any, clock: Clock | None = None) -> RetrainingPolicy:
    return RetrainingPolicy(store, jobs, 24.0, clock or Clock())


def test_an_alarm_is_answered_once_and_stays_answered_after_a_restart(
    store: Store, jobs: FakeJobs
) -> None:
    clock = Clock()
    assert looks(store, jobs, clock).submit_if_due() is None
    alarm(store, "a")
    told = looks(store, jobs, clock).submit_if_due()
    assert told is not None
    ((job, mode),) = jobs.submitted
    assert (mode, told.body["job"]) == ("internet", job)
    ended(store, jobs, "promote")
    clock.at_s += 30 * 3600
    assert looks(store, jobs, clock).submit_if_due() is None
    assert len(jobs.submitted) == 1


def test_an_alarm_that_stands_asks_again_until_its_model_is_promoted(
    store: Store, jobs: FakeJobs
) -> None:
    clock = Clock()
    retraining = looks(store, jobs, clock)
    alarm(store, "a")
    assert retraining.submit_if_due() is not None
    ended(store, jobs, "refuse")
    assert retraining.submit_if_due() is None, "a day has not passed"
    clock.at_s += 25 * 3600
    assert retraining.submit_if_due() is not None
    ended(store, jobs, "promote", mode="datacenter")
    clock.at_s += 25 * 3600
    assert retraining.submit_if_due() is not None, "another model was promoted"
    assert len({job for job, _ in jobs.submitted}) == 3
    ended(store, jobs, "promote")
    clock.at_s += 25 * 3600
    assert retraining.submit_if_due() is None


def test_there_is_one_a_day_of_a_mode_and_one_at_a_time(store: Store, jobs: FakeJobs) -> None:
    clock = Clock()
    retraining = looks(store, jobs, clock)
    alarm(store, "a")
    assert retraining.submit_if_due() is not None
    alarm(store, "b")
    alarm(store, "fabric")
    assert retraining.submit_if_due() is None, "one is running"
    jobs.running_now.clear()
    assert retraining.submit_if_due() is not None
    assert [mode for _, mode in jobs.submitted] == ["internet", "datacenter"]
    jobs.running_now.clear()
    clock.at_s += 23 * 3600
    assert retraining.submit_if_due() is None, "a day has not passed"
    clock.at_s += 2 * 3600
    assert retraining.submit_if_due() is not None
    assert [mode for _, mode in jobs.submitted] == ["internet", "datacenter", "internet"]


def test_an_alarm_that_could_not_be_answered_is_answered_later(
    store: Store, jobs: FakeJobs
) -> None:
    alarm(store, "a")
    jobs.away = True
    retraining = looks(store, jobs)
    with pytest.raises(ConnectionError):
        retraining.submit_if_due()
    jobs.away = False
    assert retraining.submit_if_due() is not None


@pytest.mark.parametrize(
    ("what", "before", "after", "asks"),
    [
        ("hits", 0.9, 0.4, True),
        ("hits", 0.4, 0.9, False),
        ("error", 0.1, 0.4, True),
        ("error", 0.4, 0.1, False),
        ("bias", 1.05, 0.6, True),
        ("bias", 1.5, 1.0, False),
        ("level", 100.0, 20.0, False),
    ],
)
def test_only_forecasts_that_became_worse_ask(
    store: Store, jobs: FakeJobs, what: str, before: float, after: float, asks: bool
) -> None:
    alarm(store, "a", what, before, after)
    assert (looks(store, jobs).submit_if_due() is not None) == asks


@pytest.mark.parametrize(
    ("what", "before", "after", "asks"),
    [
        ("hits", 0.02, -0.2, True),
        ("hits", -0.2, 0.02, False),
        ("bias", 0.1, -0.7, True),
        ("bias", -0.7, 0.1, False),
        ("error", 0.5, 0.9, True),
    ],
)
def test_a_mode_whose_forecasts_became_worse_asks(
    store: Store, jobs: FakeJobs, what: str, before: float, after: float, asks: bool
) -> None:
    kind = mode_drift(NetworkMode.DATACENTER)
    alarm(store, None, what, before, after, kind)
    told = looks(store, jobs).submit_if_due()
    assert (told is not None) == asks
    assert [mode for _, mode in jobs.submitted] == ["datacenter"] * asks


def test_a_hybrid_mode_has_no_model_of_its_own(store: Store, jobs: FakeJobs) -> None:
    alarm(store, None, kind=mode_drift(NetworkMode.HYBRID))
    assert looks(store, jobs).submit_if_due() is None


@pytest.mark.parametrize(("kind", "link_id"), [(DRIFT, "a"), ("drift:internet", None)])
def test_the_end_of_an_alarm_asks_only_where_its_beginning_was_not_answered(
    store: Store, jobs: FakeJobs, kind: str, link_id: str | None
) -> None:
    clock = Clock()
    alarm(store, link_id, kind=kind)
    alarm(store, link_id, kind=kind, stage="ended")
    assert looks(store, jobs, clock).submit_if_due() is not None
    jobs.running_now.clear()
    clock.at_s += 25 * 3600
    assert looks(store, jobs, clock).submit_if_due() is None
    alarm(store, link_id, kind=kind)
    assert looks(store, jobs, clock).submit_if_due() is not None
    jobs.running_now.clear()
    alarm(store, link_id, kind=kind, stage="ended")
    clock.at_s += 25 * 3600
    assert looks(store, jobs, clock).submit_if_due() is None


def test_an_end_whose_beginning_is_gone_asks_for_none(store: Store, jobs: FakeJobs) -> None:
    alarm(store, "a", stage="ended")
    alarm(store, "a", stage="ended")
    assert looks(store, jobs).submit_if_due() is None


def test_links_of_two_models_or_that_are_gone_ask_for_none(store: Store, jobs: FakeJobs) -> None:
    alarm(store, "hybrid")
    alarm(store, "b")
    store.delete("b")
    assert looks(store, jobs).submit_if_due() is None


def test_a_job_that_was_submitted_just_before_the_monitor_died_is_not_submitted_again(
    store: Store, jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(store, "a")

    def die(events: list[Event]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "add_events", die)
        with pytest.raises(KeyboardInterrupt):
            looks(store, jobs).submit_if_due()
    assert looks(store, jobs).submit_if_due() is not None
    assert len(jobs.submitted) == 1
