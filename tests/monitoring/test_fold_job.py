"""Fold jobs add up what was scored, and their drift detectors continue where others stopped."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pba.monitoring.drift_watch import open_alarms
from pba.monitoring.fold_job import FoldJob
from pba.monitoring.scorer import Scorer
from pba.store import Store
from pba.store.aggregate_tables import aggregate_deltas
from pba.store.mode_outcome_queue import ModeQueue
from pba.store.tables import mode_outcomes
from pba.types import Event
from tests.monitoring.builders import CREATED_S, write_series
from tests.store.deltas import rows_of
from tests.support.databases import new_file

LINKS = [f"l{number}" for number in range(10)]


class Clock:
    now_s = 2e9

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store(new_file(tmp_path / "pba.db"), clock).ready()
    yield store
    store.close()


def score(store: Store, mbps: np.ndarray, first: int = 0) -> None:
    """Write and score samples and forecasts ``(second, link)``."""
    write_series(store, LINKS, mbps, first)
    scorer = Scorer(store)
    while scorer.score_due().links:
        pass


def run(job: FoldJob) -> None:
    while job.run():
        pass


def stages(store: Store) -> list[str]:
    return [event.body["stage"] for event in store.events("drift:internet")[::-1]]


def test_a_mode_whose_forecasts_fail_is_an_alarm_whichever_monitor_looks(
    store: Store, clock: Clock
):
    rng = np.random.default_rng(4)
    level = 10.0 ** rng.uniform(0, 3, len(LINKS))

    def rates(seconds: int, spread: float) -> np.ndarray:
        return level * np.exp(rng.normal(0.0, spread, (seconds, len(LINKS))))

    for first in range(0, 60, 20):
        score(store, rates(20, 0.03), first)
        clock.now_s += 20.0
        run(FoldJob(store, f"monitor {first}", clock))
    assert stages(store) == []
    for first in range(60, 70, 5):
        score(store, rates(5, 0.3), first)
        clock.now_s += 20.0
        run(FoldJob(store, f"monitor {first}", clock))
    assert stages(store)[0] == "opened"
    assert stages(store).count("opened") == 1
    alarm, *_ = open_alarms(store)  # those of modes come first
    assert (alarm["link_id"], alarm["mode"]) == (None, "internet")
    hits = next(change for change in alarm["changes"] if change["what"] == "hits")
    assert hits["before"] == pytest.approx(0.0, abs=0.1)
    assert hits["after"] < -0.2, "the confidence is 0.99"
    since_s = alarm["since_s"]
    assert since_s == pytest.approx(CREATED_S + 59 * 60, abs=120), "the service's clock"
    assert rows_of(store, mode_outcomes) == []
    assert rows_of(store, aggregate_deltas) == []
    score(store, rates(60, 0.3), 70)
    clock.now_s += 20.0
    run(FoldJob(store, "the last", clock))
    assert stages(store)[-1] == "ended"
    assert stages(store).count("opened") == 1


def test_one_monitor_at_a_time_folds(store: Store, clock: Clock):
    first, second = FoldJob(store, "a", clock), FoldJob(store, "b", clock)
    first.run()
    score(store, np.full((5, len(LINKS)), 50.0))
    assert not second.run()
    assert rows_of(store, aggregate_deltas) != []
    run(first)
    assert rows_of(store, aggregate_deltas) == []


def test_outcomes_that_two_have_read_are_seen_once(store: Store):
    score(store, np.full((5, len(LINKS)), 50.0))
    (queue,) = store.jobs.mode_queues(100)
    event = Event("drift:internet", 1.0, None, {"stage": "opened"})
    assert store.jobs.write_mode_state(queue, b"after", [event])
    assert not store.jobs.write_mode_state(queue, b"other", [event])
    assert stages(store) == ["opened"]
    score(store, np.full((3, len(LINKS)), 50.0), 5)
    (later,) = store.jobs.mode_queues(100)
    assert (later.state, len(later.numbers)) == (b"after", 1)
    late = ModeQueue(later.mode, b"before", later.numbers, later.bodies)
    assert not store.jobs.write_mode_state(late, b"lost", [event])
    assert store.jobs.mode_queues(100) == [later]
