"""Which alarms lead to a retraining, and how often."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pba.errors import Conflict
from pba.monitoring.drift_watch import DRIFT, mode_drift
from pba.monitoring.retraining import RetrainingPolicy
from pba.registry.promotion import RETRAINED
from pba.security import Author
from pba.store import SampleReport, Store, WriteBatch
from pba.types import Event, NetworkMode
from tests.support.databases import new_file

NOW_S = 1.9e9


class FakeJobs:
    """Jobs that run until `finish` ends them."""

    def __init__(self) -> None:
        self.submitted: list[tuple[str, str]] = []
        self.active: set[str] = set()
        self.fails = False

    def submit(self, job: str, mode: str) -> None:
        if self.fails:
            raise ConnectionError("no head")
        if (job, mode) not in self.submitted:
            self.submitted.append((job, mode))
            self.active.add(job)

    def running(self, job: str) -> bool:
        return job in self.active


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(new_file(tmp_path / "pba.db"), lambda: NOW_S).ready()
    for name, mbps, rtt_ms in (("a", 50.0, 30.0), ("b", 50.0, 30.0), ("fabric", 5000.0, 1.0)):
        telemetry = np.full((20, 5), np.nan)
        telemetry[:, 0], telemetry[:, 1] = mbps, rtt_ms
        store.write(WriteBatch([SampleReport(name, NOW_S - 100 + np.arange(20.0), telemetry)]))
    mixed = np.full((20, 5), np.nan)
    mixed[:, 0], mixed[:, 1] = 2000.0, 20.0
    store.write(WriteBatch([SampleReport("hybrid", NOW_S - 100 + np.arange(20.0), mixed)]))
    yield store
    store.close()


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs()


def add_alarm(
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


def finish(store: Store, jobs: FakeJobs, decision: str, mode: str = "internet") -> None:
    jobs.active.clear()
    store.add_events([Event(RETRAINED, NOW_S, None, {"model": mode, "decision": decision})])


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def policy(store: Store, jobs: FakeJobs, clock: Clock | None = None) -> RetrainingPolicy:
    return RetrainingPolicy(store, jobs, 24.0, clock or Clock())


def test_an_alarm_leads_to_one_job_also_after_a_restart(store: Store, jobs: FakeJobs) -> None:
    clock = Clock()
    assert policy(store, jobs, clock).submit_if_due() is None
    add_alarm(store, "a")
    event = policy(store, jobs, clock).submit_if_due()
    assert event is not None
    ((job, mode),) = jobs.submitted
    assert (mode, event.body["job"]) == ("internet", job)
    (row,) = store.audit.rows()
    recorded = (row.who, row.role, row.action, row.subject, row.as_dict()["details"]["job"])
    assert recorded == ("automatic retraining", "service", "retraining", "internet", job)
    finish(store, jobs, "promote")
    clock.now_s += 30 * 3600
    assert policy(store, jobs, clock).submit_if_due() is None
    assert len(jobs.submitted) == 1


def test_an_open_alarm_leads_to_a_job_a_day_until_its_model_is_promoted(
    store: Store, jobs: FakeJobs
) -> None:
    clock = Clock()
    retraining = policy(store, jobs, clock)
    add_alarm(store, "a")
    assert retraining.submit_if_due() is not None
    finish(store, jobs, "refuse")
    assert retraining.submit_if_due() is None, "a day has not passed"
    clock.now_s += 25 * 3600
    assert retraining.submit_if_due() is not None
    finish(store, jobs, "promote", mode="datacenter")
    clock.now_s += 25 * 3600
    assert retraining.submit_if_due() is not None, "another model was promoted"
    assert len({job for job, _ in jobs.submitted}) == 3
    finish(store, jobs, "promote")
    clock.now_s += 25 * 3600
    assert retraining.submit_if_due() is None


def test_a_mode_has_one_job_a_day_and_only_one_job_runs_at_a_time(
    store: Store, jobs: FakeJobs
) -> None:
    clock = Clock()
    retraining = policy(store, jobs, clock)
    add_alarm(store, "a")
    assert retraining.submit_if_due() is not None
    add_alarm(store, "b")
    add_alarm(store, "fabric")
    assert retraining.submit_if_due() is None, "one is running"
    jobs.active.clear()
    assert retraining.submit_if_due() is not None
    assert [mode for _, mode in jobs.submitted] == ["internet", "datacenter"]
    jobs.active.clear()
    clock.now_s += 23 * 3600
    assert retraining.submit_if_due() is None, "a day has not passed"
    clock.now_s += 2 * 3600
    assert retraining.submit_if_due() is not None
    assert [mode for _, mode in jobs.submitted] == ["internet", "datacenter", "internet"]


def test_a_job_that_could_not_be_submitted_is_submitted_later(store: Store, jobs: FakeJobs) -> None:
    add_alarm(store, "a")
    jobs.fails = True
    retraining = policy(store, jobs)
    with pytest.raises(ConnectionError):
        retraining.submit_if_due()
    jobs.fails = False
    assert retraining.submit_if_due() is not None


@pytest.mark.parametrize(
    ("what", "before", "after", "due"),
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
def test_only_links_whose_forecasts_became_worse_are_a_reason(
    store: Store, jobs: FakeJobs, what: str, before: float, after: float, due: bool
) -> None:
    add_alarm(store, "a", what, before, after)
    assert (policy(store, jobs).submit_if_due() is not None) == due


@pytest.mark.parametrize(
    ("what", "before", "after", "due"),
    [
        ("hits", 0.02, -0.2, True),
        ("hits", -0.2, 0.02, False),
        ("bias", 0.1, -0.7, True),
        ("bias", -0.7, 0.1, False),
        ("error", 0.5, 0.9, True),
    ],
)
def test_only_modes_whose_forecasts_became_worse_are_a_reason(
    store: Store, jobs: FakeJobs, what: str, before: float, after: float, due: bool
) -> None:
    kind = mode_drift(NetworkMode.DATACENTER)
    add_alarm(store, None, what, before, after, kind)
    event = policy(store, jobs).submit_if_due()
    assert (event is not None) == due
    assert [mode for _, mode in jobs.submitted] == ["datacenter"] * due


def test_hybrid_mode_has_no_model_to_retrain(store: Store, jobs: FakeJobs) -> None:
    add_alarm(store, None, kind=mode_drift(NetworkMode.HYBRID))
    assert policy(store, jobs).submit_if_due() is None


@pytest.mark.parametrize(("kind", "link_id"), [(DRIFT, "a"), ("drift:internet", None)])
def test_an_ended_alarm_is_a_reason_only_without_a_job_since_it_opened(
    store: Store, jobs: FakeJobs, kind: str, link_id: str | None
) -> None:
    clock = Clock()
    add_alarm(store, link_id, kind=kind)
    add_alarm(store, link_id, kind=kind, stage="ended")
    assert policy(store, jobs, clock).submit_if_due() is not None
    jobs.active.clear()
    clock.now_s += 25 * 3600
    assert policy(store, jobs, clock).submit_if_due() is None
    add_alarm(store, link_id, kind=kind)
    assert policy(store, jobs, clock).submit_if_due() is not None
    jobs.active.clear()
    add_alarm(store, link_id, kind=kind, stage="ended")
    clock.now_s += 25 * 3600
    assert policy(store, jobs, clock).submit_if_due() is None


def test_an_end_without_a_beginning_is_no_reason(store: Store, jobs: FakeJobs) -> None:
    add_alarm(store, "a", stage="ended")
    add_alarm(store, "a", stage="ended")
    assert policy(store, jobs).submit_if_due() is None


def test_hybrid_and_deleted_links_are_no_reason(store: Store, jobs: FakeJobs) -> None:
    add_alarm(store, "hybrid")
    add_alarm(store, "b")
    store.delete("b")
    assert policy(store, jobs).submit_if_due() is None


def test_a_job_that_was_submitted_just_before_the_monitor_died_is_not_submitted_again(
    store: Store, jobs: FakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_alarm(store, "a")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "add_events", die)
        with pytest.raises(KeyboardInterrupt):
            policy(store, jobs).submit_if_due()
    assert policy(store, jobs).submit_if_due() is not None
    assert len(jobs.submitted) == 1


def test_an_operator_starts_a_job_which_answers_the_alarms_so_far(store: Store, jobs: FakeJobs):
    clock, anna = Clock(), Author("anna", "operator")
    add_alarm(store, "a")
    retraining = policy(store, jobs, clock)
    event = retraining.start("internet", anna, "a new network")
    ((job, _),) = jobs.submitted
    expected = {"who": "anna", "model": "internet", "job": job, "reason": "a new network"}
    assert expected.items() <= event.body.items()
    (row,) = store.audit.rows()
    details = row.as_dict()["details"]
    assert (row.who, row.action, details["reason"]) == ("anna", "retraining", "a new network")
    with pytest.raises(Conflict, match=f"the retraining {job} is running"):
        retraining.start("datacenter", anna)
    assert retraining.submit_if_due() is None
    finish(store, jobs, "promote")
    clock.now_s += 30 * 3600
    assert retraining.submit_if_due() is None, "the model that was promoted answers the alarm"
    assert retraining.start("internet", anna).body["job"] != job
