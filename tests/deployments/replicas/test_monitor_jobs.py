"""The jobs of a Monitor: what is global is done by the one with the lease."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.ray_metrics import RayMetrics
from deployments.replicas.monitor_jobs import MonitorJobs
from deployments.settings import Settings
from pba.monitoring.jobs import Job
from pba.scoring.transfer_sums import RecordedTransfer
from pba.store import Store, WriteBatch
from tests.store.builders import NOW_S, START_S, sample_report
from tests.support.databases import new_file
from tests.support.metric_library import MetricLibrary


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(new_file(tmp_path / "pba.db"), lambda: NOW_S).ready()
    yield opened
    opened.close()


def job(store: Store, holder: str, name: str) -> Job:
    """Return a job of a Monitor."""
    jobs = MonitorJobs(store, Settings(), holder, lambda: NOW_S, RayMetrics(MetricLibrary())).all()
    (chosen,) = (job for job in jobs if job.name == name)
    return chosen


def test_transfers_are_scored_by_one_monitor_at_a_time(store: Store):
    durations_s = (5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0)
    one = RecordedTransfer("a", START_S, NOW_S - 60, "internet", 1.0, 10**6, None, durations_s)
    store.write(WriteBatch([sample_report("a", 0, 30)], transfers=[one]))
    store.jobs.take_lease("transfers", "first", 30.0)
    job(store, "second", "transfers").run()
    assert store.summary()["transfers"]["open"] == 1
    job(store, "first", "transfers").run()
    summary = store.summary()["transfers"]
    assert (summary["open"], summary["faster"]) == (0, 1.0)
