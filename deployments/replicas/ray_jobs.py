"""Retraining jobs on a Ray cluster, by Ray job submission.

A job runs in a Python environment of its own, because no serving process may load TensorFlow.
"""

from pathlib import Path
from typing import Any

from ray.job_submission import JobStatus, JobSubmissionClient

from pba.project import package_name, resolve
from pba.store.url import url_without_password

from ..settings import Settings

__all__ = ["RayJobs"]


class RayJobs:
    """Runs `python -m train retrain` as Ray jobs; a `pba.monitoring.retraining.RetrainingJobs`.

    Parameters
    ----------
    settings
        The job server's address, and the job's Python, arguments and working directory.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def submit(self, job: str, mode: str) -> None:
        """Start a retraining of ``mode`` with the id ``job``, unless that id exists already."""
        client = self._client()
        if _status(client, job) is not None:
            return
        settings = self._settings
        # A working directory is a checkout, whatever this service runs from.
        module = "train" if settings.retrain_working_dir else package_name("train")
        words = (settings.retrain_python, "-m", module, "retrain", "--mode", mode)
        client.submit_job(
            entrypoint=f"{' '.join(words)} {settings.retrain_args}",
            submission_id=job,
            runtime_env=self._runtime_env(),
        )

    def running(self, job: str) -> bool:
        """Return whether ``job`` exists and has not ended."""
        status = _status(self._client(), job)
        return status is not None and not status.is_terminal()

    def _client(self) -> JobSubmissionClient:
        settings = self._settings
        headers = (
            {"Authorization": f"Bearer {_token(settings)}"} if settings.retrain_token else None
        )
        return JobSubmissionClient(settings.retrain_address, headers=headers)

    def _runtime_env(self) -> dict[str, Any]:
        """Return the job's environment: its own Python, and the URLs of store and registry.

        All who may list the jobs read it, so the URL of the store is without its password: libpq
        takes that on the nodes of the cluster from ``PGPASSFILE`` or ``PGPASSWORD``.
        """
        settings = self._settings
        environment: dict[str, Any] = {
            "env_vars": {
                "PBA_STORE_URL": url_without_password(settings.store_url),
                "PBA_REGISTRY": resolve(settings.registry),
            }
        }
        if settings.retrain_python != "python":
            environment["py_executable"] = settings.retrain_python
        if settings.retrain_working_dir:
            environment["working_dir"] = settings.retrain_working_dir
        return environment


def _token(settings: Settings) -> str:
    """Return Ray's token of the cluster that trains; read anew, since it may be replaced.

    Raises
    ------
    RuntimeError
        If its file cannot be read.
    """
    path = Path(resolve(settings.retrain_token))
    try:
        return path.read_text().strip()
    except OSError as error:
        raise RuntimeError(
            f"the token in {path} cannot be read: {error.strerror}. Correct PBA_RETRAIN_TOKEN, or "
            "have the file readable by the user of the service."
        ) from error


def _status(client: JobSubmissionClient, job: str) -> JobStatus | None:
    """Return the status of ``job``, None where the cluster has no such job."""
    return {info.submission_id: info.status for info in client.list_jobs()}.get(job)
