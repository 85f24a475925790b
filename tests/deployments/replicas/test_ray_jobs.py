"""Retraining jobs as Ray receives them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.job_submission import JobStatus

from deployments.replicas import ray_jobs
from deployments.replicas.ray_jobs import RayJobs
from deployments.settings import Settings
from pba import project


class FakeClient:
    """A job server that records submissions and has one job in each of some states."""

    jobs: dict[str, JobStatus] = {}
    submissions: list[dict[str, Any]] = []

    def __init__(self, address: str, headers: dict[str, str] | None = None) -> None:
        self.address, self.headers = address, headers or {}

    def list_jobs(self) -> list[Any]:
        # Jobs that were not submitted, but started by a driver, have no submission id.
        return [
            SimpleNamespace(submission_id=None, status=JobStatus.RUNNING),
            *(SimpleNamespace(submission_id=job, status=state) for job, state in self.jobs.items()),
        ]

    def submit_job(self, **job: Any) -> None:
        self.submissions.append({"address": self.address, **self.headers, **job})


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[FakeClient]:
    class Client(FakeClient):
        jobs = {}
        submissions = []

    monkeypatch.setattr(ray_jobs, "JobSubmissionClient", Client)
    return Client


def test_a_job_has_its_own_python_and_no_secret_that_a_list_of_jobs_shows(
    client: type[FakeClient],
) -> None:
    settings = Settings(
        store_url="postgresql://u:secret@db/pba",
        registry="s3://models",
        retrain_address="http://head:8265",
        retrain_python="/opt/train/bin/python",
        retrain_args="--traces /traces",
        retrain_working_dir="/srv/pba",
    )
    RayJobs(settings).submit("x", "internet")
    assert client.submissions == [
        {
            "address": "http://head:8265",
            "entrypoint": "/opt/train/bin/python -m train retrain --mode internet --traces /traces",
            "submission_id": "x",
            "runtime_env": {
                "env_vars": {
                    "PBA_STORE_URL": "postgresql://u@db/pba",
                    "PBA_REGISTRY": "s3://models",
                },
                "py_executable": "/opt/train/bin/python",
                "working_dir": "/srv/pba",
            },
        }
    ]


def test_without_settings_a_job_runs_in_the_clusters_own_python(client: type[FakeClient]) -> None:
    RayJobs(Settings()).submit("x", "datacenter")
    (job,) = client.submissions
    assert job["entrypoint"].startswith("python -m train retrain --mode datacenter")
    assert set(job["runtime_env"]) == {"env_vars"}


def test_an_installed_service_runs_installed_training_unless_a_checkout_is_sent(
    client: type[FakeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project, "_CHECKOUT", None)
    RayJobs(Settings()).submit("x", "datacenter")
    RayJobs(Settings(retrain_working_dir="/srv/pba")).submit("y", "datacenter")
    first, second = (job["entrypoint"] for job in client.submissions)
    assert first.startswith("python -m pba_train retrain")
    assert second.startswith("python -m train retrain")


def test_a_cluster_of_its_own_gets_its_own_token(client: type[FakeClient], tmp_path: Path) -> None:
    settings = Settings(retrain_token=str(tmp_path / "token"))
    with pytest.raises(RuntimeError, match="PBA_RETRAIN_TOKEN"):
        RayJobs(settings).submit("x", "internet")
    for token in ("one", "two"):
        (tmp_path / "token").write_text(f"{token}\n")
        RayJobs(settings).submit("x", "internet")
        assert client.submissions[-1]["Authorization"] == f"Bearer {token}"


def test_a_job_that_exists_is_not_submitted_again(client: type[FakeClient]) -> None:
    client.jobs["x"] = JobStatus.FAILED
    RayJobs(Settings()).submit("x", "internet")
    assert client.submissions == []


@pytest.mark.parametrize(
    ("state", "running"),
    [
        (JobStatus.PENDING, True),
        (JobStatus.RUNNING, True),
        (JobStatus.SUCCEEDED, False),
        (JobStatus.FAILED, False),
        (JobStatus.STOPPED, False),
        (None, False),
    ],
)
def test_a_job_runs_until_it_has_ended(
    client: type[FakeClient], state: JobStatus | None, running: bool
) -> None:
    if state is not None:
        client.jobs["x"] = state
    assert RayJobs(Settings()).running("x") is running
