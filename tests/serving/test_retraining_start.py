"""Retrainings that operators start: what is refused, and what a cluster that is away says."""

import threading
from pathlib import Path

import pytest

from pba.errors import NotFound, Unavailable
from pba.monitoring.retraining import RetrainingPolicy
from pba.security.author import LOCAL
from pba.serving.retraining_start import RetrainingStart
from pba.store import Store


class Jobs:
    """A cluster that trains; a job is submitted once the test lets it."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.answers = threading.Event()
        self.answers.set()

    def submit(self, job: str, mode: str) -> None:
        self.answers.wait()
        if self.error is not None:
            raise self.error

    def running(self, job: str) -> bool:
        return False


async def test_only_a_model_that_can_be_retrained_is_retrained_and_a_cluster_has_to_answer(
    tmp_path: Path,
):
    store, jobs = Store(f"sqlite:///{tmp_path}/pba.db", lambda: 1e9).ready(), Jobs()
    policy = RetrainingPolicy(store, jobs, 24.0, lambda: 1e9)
    start = RetrainingStart(["internet"], policy)
    with pytest.raises(NotFound, match="'v1'; there are internet"):
        await start.start("v1", LOCAL, "")
    for jobs.error in (ConnectionError("no head"), RuntimeError("no token")):
        with pytest.raises(Unavailable, match=f"{jobs.error}. Name a Ray head"):
            await start.start("internet", LOCAL, "")
    jobs.error = None
    jobs.answers.clear()
    impatient = RetrainingStart(["internet"], policy, deadline_s=0.05)
    with pytest.raises(Unavailable, match="has not answered within 0.05 s"):
        await impatient.start("internet", LOCAL, "")
    jobs.answers.set()
    answer = await start.start("internet", LOCAL, "a new network")
    assert answer["model"] == "internet"
    assert "a new network" in [event.body.get("reason") for event in store.events("retraining")]
    store.close()
