"""Retraining on drift: which alarms ask for it, and the Ray job that does it.

Nothing is kept here. What was submitted is in the store's events, so a Monitor that starts anew
knows of it; the job runs in an environment of its own, for nothing that serves loads TensorFlow.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ray.job_submission import JobStatus, JobSubmissionClient

from deployments.paths import resolve, resolve_store
from deployments.settings import Settings
from pba.errors import NotFound
from pba.monitoring.drift import AlarmStage
from pba.monitoring.drift_watch import DRIFT, mode_drift
from pba.registry.promotion import RETRAINED
from pba.store import Store
from pba.types import Event
from pba.types.profile import PROFILES

__all__ = ["RETRAINING", "RetrainingJobs", "RayJobs", "RetrainingPolicy"]

RETRAINING = "retraining"
"""The kind of the events that tell of submitted jobs; `RETRAINED` tells how each ended."""

_HOUR_S = 3600.0


class RetrainingJobs(Protocol):
    """Where jobs run."""

    def submit(self, job: str, mode: str) -> None:
        """Start a retraining of ``mode`` called ``job``; nothing if there is one of that name."""
        ...

    def running(self, job: str) -> bool:
        """Return whether it has not ended; one that nobody knows has."""
        ...


class RetrainingPolicy:
    """Asks for a retraining where forecasts of a mode or of a link have become worse.

    Parameters
    ----------
    store
        Holds alarms, and what was submitted.
    jobs
        Where they run.
    every_h
        Hours between two of one mode, at least; there is one of any mode at a time.
    clock
        Unix seconds now.
    """

    def __init__(
        self, store: Store, jobs: RetrainingJobs, every_h: float, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._every_s = every_h * _HOUR_S
        self._clock = clock

    def look(self) -> Event | None:
        """Submit a retraining if there is reason to, and return the event that tells of it.

        An alarm is a reason until a job that was submitted after it promotes a model, or until it
        ends with a job submitted: an alarm comes soon after a change, when there is little to learn
        of what is new, and what is refused then may be better later. One whose job could not be
        submitted stays a reason.

        Raises
        ------
        RuntimeError, ConnectionError
            If jobs cannot be submitted now.
        """
        last = self._last()
        for mode, alarm in self._reasons():
            before = last.get(mode)
            if before is not None and (
                self._clock() - before.at_s < self._every_s or self._answered(mode, alarm, before)
            ):
                continue
            if any(self._jobs.running(event.body["job"]) for event in last.values()):
                return None
            return self._submit(mode, alarm, before)
        return None

    def _answered(self, mode: str, alarm: Event, submitted: Event) -> bool:
        if _number(alarm) > submitted.body["alarm"]:
            return False
        (newest, *_) = self._store.events(alarm.kind, alarm.link_id, count=1)
        return newest.body["stage"] == AlarmStage.ENDED or any(
            event.body["model"] == mode and event.body["decision"] == "promote"
            for event in self._store.events(RETRAINED)
            if _number(event) > _number(submitted)
        )

    def _last(self) -> dict[str, Event]:
        """Return the newest submission of each mode."""
        found: dict[str, Event] = {}
        for event in self._store.events(RETRAINING):
            found.setdefault(event.body["model"], event)
        return found

    def _reasons(self) -> Iterator[tuple[str, Event]]:
        """Yield each mode whose forecasts became worse and the alarm that says so."""
        for mode, alarm in self._of_modes():
            if _worse(alarm):
                yield mode, alarm
        for alarm in self._of_links():
            if _worse(alarm) and (of := self._mode_of(alarm)) is not None:
                yield of, alarm

    def _of_modes(self) -> list[tuple[str, Event]]:
        """Return the newest alarm of each mode that has a model."""
        told = {mode: self._store.events(mode_drift(mode), count=1) for mode in PROFILES}
        return [(mode, opened) for mode, last in told.items() for opened in self._opened(last)]

    def _of_links(self) -> list[Event]:
        """Return the newest alarm of each link."""
        return self._opened(self._store.alarms(DRIFT))

    def _opened(self, alarms: Sequence[Event]) -> list[Event]:
        """Return ``alarms`` as they were before they ended: an end is no new reason."""
        found: list[Event] = []
        for alarm in alarms:
            if alarm.body["stage"] == AlarmStage.ENDED:
                found += self._store.events(alarm.kind, alarm.link_id, alarm.number, count=1)
            else:
                found.append(alarm)
        # Where the retention took a beginning, what is before the end is the end of another.
        return [alarm for alarm in found if alarm.body["stage"] != AlarmStage.ENDED]

    def _mode_of(self, alarm: Event) -> str | None:
        """Return the mode whose model forecasts the link of ``alarm``; hybrid links have two."""
        assert alarm.link_id is not None
        try:
            mode = self._store.link(alarm.link_id).mode.mode
        except NotFound:
            return None
        return mode.value if mode in PROFILES else None

    def _submit(self, mode: str, alarm: Event, before: Event | None) -> Event:
        # Named after the alarm and the job before, by their events: one submitted just before the
        # Monitor died is not submitted again.
        number = _number(alarm)
        job = f"retrain-{mode}-{number}-{before.number if before else 0}"
        self._jobs.submit(job, mode)
        # Every alarm up to the newest there is now is answered by this job.
        told = [*(one for _, one in self._of_modes()), *self._of_links()]
        newest = max(map(_number, told), default=number)
        body = {"model": mode, "job": job, "alarm": max(newest, number), "link_id": alarm.link_id}
        event = Event(RETRAINING, self._clock(), alarm.link_id, body)
        self._store.add_events([event])
        return event


def _number(alarm: Event) -> int:
    assert alarm.number is not None  # it came from the store
    return alarm.number


def _worse(alarm: Event) -> bool:
    """Return whether forecasts became worse; a level that moved is no reason to learn anew."""
    of_mode = alarm.link_id is None
    return any(_is_worse(change, of_mode) for change in alarm.body["changes"])


def _is_worse(change: Mapping[str, Any], of_mode: bool) -> bool:
    """Return whether it is for the worse; bias is a difference for modes, a ratio for links."""
    before, after = change["before"], change["after"]
    if change["what"] == "bias":
        if of_mode:
            return bool(abs(after) > abs(before))
        return bool(max(after, 1.0 / after) > max(before, 1.0 / before))
    fewer_hits = change["what"] == "hits" and after < before
    return bool(fewer_hits or (change["what"] == "error" and after > before))


class RayJobs:
    """Runs `python -m train retrain` by Ray job submission, as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def submit(self, job: str, mode: str) -> None:
        """Start it; see `RetrainingJobs`."""
        client = self._client()
        if _status(client, job) is not None:
            return
        told = self._settings
        client.submit_job(
            entrypoint=f"{told.retrain_python} -m train retrain --mode {mode} {told.retrain_args}",
            submission_id=job,
            runtime_env=self._environment(),
        )

    def running(self, job: str) -> bool:
        """Return whether it has not ended; see `RetrainingJobs`."""
        status = _status(self._client(), job)
        return status is not None and not status.is_terminal()

    def _client(self) -> JobSubmissionClient:
        return JobSubmissionClient(self._settings.retrain_address)

    def _environment(self) -> dict[str, Any]:
        """Return where the job runs: its own Python, and what it needs to find store and models."""
        told = self._settings
        found: dict[str, Any] = {
            # Not on the command line, which everybody who sees the jobs may read.
            "env_vars": {
                "PBA_STORE_URL": resolve_store(told.store_url),
                "PBA_REGISTRY": resolve(told.registry),
            }
        }
        if told.retrain_python != "python":
            found["py_executable"] = told.retrain_python
        if told.retrain_working_dir:
            found["working_dir"] = told.retrain_working_dir
        return found


def _status(client: JobSubmissionClient, job: str) -> JobStatus | None:
    """Return what became of a job, None where there is none of that name."""
    known = {one.submission_id: one.status for one in client.list_jobs()}
    return known.get(job)
