"""The job of transfers looks at those that are due, and closes those whose outcome is known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.monitoring.transfer_job import TransferJob
from pba.scoring.transfer_sums import RecordedTransfer
from pba.store import Store, WriteBatch
from tests.store.builders import START_S, sample_report, write
from tests.support.databases import new_file

QUANTILES_S = (5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0)


class Clock:
    """A clock that tests set."""

    now_s = START_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store(new_file(tmp_path / "pba.db"), clock).ready()
    write(opened, sample_report("a", 0, 1))
    yield opened
    opened.close()


def record(store: Store, count: int = 1, mbps: float = 50.0) -> None:
    """Record transfers over the link that take ten seconds at ``mbps``, and a little more each."""
    size = round(mbps * 10 / 8e-6)
    transfers = [
        RecordedTransfer("a", START_S, START_S, "internet", 1.0, size + n, None, QUANTILES_S)
        for n in range(count)
    ]
    store.write(WriteBatch(transfers=transfers))


def sums(store: Store) -> dict[str, float]:
    summary: dict[str, float] = store.summary()["transfers"]
    return summary


def test_a_transfer_is_scored_once_its_samples_reach_the_size(store: Store, clock: Clock):
    record(store)
    job = TransferJob(store)
    clock.now_s = START_S + 5
    write(store, sample_report("a", 1, 5))
    assert not job.run()
    assert (sums(store)["open"], sums(store)["scored"]) == (1, 0)
    write(store, sample_report("a", 6, 6))
    job.run()
    assert sums(store)["scored"] == 0, "it is looked at again later"
    clock.now_s += 5
    job.run()
    assert (sums(store)["open"], sums(store)["coverage_80"]) == (0, 1.0)


def test_a_transfer_without_samples_is_closed_in_the_end(store: Store, clock: Clock):
    record(store)
    job = TransferJob(store, wait_s=100.0)
    clock.now_s = START_S + 139.0
    job.run()
    assert sums(store)["open"] == 1
    clock.now_s = START_S + 300.0
    job.run()
    assert (sums(store)["open"], sums(store)["unscored"]) == (0, 1)


def test_looks_become_rarer_with_the_age_of_a_transfer(store: Store, clock: Clock):
    record(store)
    job = TransferJob(store)
    looks = 0
    for second in range(1000):
        clock.now_s = START_S + second
        looks += len(store.jobs.due_transfers(10))
        job.run()
    assert 10 < looks < 30


def test_what_does_not_fit_into_one_round_comes_in_the_next(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pba.monitoring.transfer_job._AT_ONCE", 2)
    record(store, 3)
    write(store, sample_report("a", 1, 20))
    clock.now_s = START_S + 5
    job = TransferJob(store)
    assert [job.run(), job.run()] == [True, False]
    assert sums(store)["scored"] == 3
