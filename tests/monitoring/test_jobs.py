"""Jobs run beside each other: what hangs, fails or ends stops itself only."""

import threading
import time
from collections.abc import Iterator

import pytest

from pba.errors import StoreUnavailable
from pba.monitoring.jobs import Job, JobRunner
from tests.support.waiting import wait_until

SOON_S = 0.001


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Counter:
    """Work that counts its rounds, and may fail in each."""

    def __init__(self, error: Exception | None = None, full_rounds: int = 0) -> None:
        self.rounds = 0
        self._error = error
        self._full_rounds = full_rounds

    def __call__(self) -> bool:
        self.rounds += 1
        if self._error is not None:
            raise self._error
        return self.rounds <= self._full_rounds


@pytest.fixture
def never() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()  # ends what waited for it


def test_a_job_that_hangs_stops_only_itself(never: threading.Event):
    work = Counter()
    runner = JobRunner(
        [Job("hangs", never.wait, SOON_S), Job("works", work, SOON_S)], time.monotonic
    )
    runner.start()
    wait_until(lambda: work.rounds >= 5)
    assert runner.states["hangs"].rounds == 0
    runner.stop(0.0)


def test_a_job_whose_store_is_away_tries_again_and_others_go_on():
    away, work = Counter(StoreUnavailable("the store is away")), Counter()
    runner = JobRunner([Job("away", away, SOON_S), Job("works", work, SOON_S)], time.monotonic)
    runner.start()
    wait_until(lambda: away.rounds >= 3 and work.rounds >= 3)
    assert runner.states["away"].failed >= 2
    assert runner.stalled() == []
    runner.stop(10.0)


def test_errors_that_a_job_names_do_not_end_it():
    refused = Counter(ConnectionError("refused"))
    runner = JobRunner(
        [Job("retraining", refused, SOON_S, failures=(ConnectionError,))], time.monotonic
    )
    runner.start()
    wait_until(lambda: refused.rounds >= 3)
    runner.stop(10.0)


def test_a_defect_ends_the_job_and_is_reported():
    runner = JobRunner([Job("broken", Counter(ValueError("a defect")), SOON_S)], time.monotonic)
    runner.start()
    wait_until(lambda: bool(runner.stalled()))
    assert "broken has ended" in runner.stalled()[0]


def test_work_that_waits_is_done_at_once():
    work = Counter(full_rounds=20)
    runner = JobRunner([Job("scoring", work, 3600.0)], time.monotonic)
    runner.start()
    wait_until(lambda: work.rounds == 21)
    runner.stop(10.0)


def test_a_vital_job_that_does_not_finish_is_reported_and_another_is_not(never: threading.Event):
    clock = Clock()
    jobs = [
        Job("scoring", never.wait, 1.0, limit_s=60.0),
        Job("retraining", never.wait, 1.0, limit_s=60.0, vital=False),
    ]
    runner = JobRunner(jobs, clock)
    runner.start()
    clock.now_s += 60.5
    assert runner.stalled() == []
    clock.now_s += 1.0
    assert runner.stalled() == ["the job scoring has not finished a round for 62 s"]
    assert runner.ages_s() == {"scoring": 61.5, "retraining": 61.5}
    runner.stop(0.0)  # or what `never` ends begins again at once, and for ever


def test_a_stopped_runner_ends_its_threads():
    work = Counter()
    runner = JobRunner([Job("works", work, SOON_S)], time.monotonic)
    runner.start()
    wait_until(lambda: work.rounds > 0)
    runner.stop(10.0)
    rounds = work.rounds
    time.sleep(10 * SOON_S)
    assert work.rounds == rounds


def test_jobs_that_have_not_been_started_do_not_take_too_long():
    clock = Clock()
    runner = JobRunner([Job("scoring", Counter(), 1.0, limit_s=60.0)], clock)
    clock.now_s += 3600.0
    assert runner.stalled() == []
