"""Retraining on drift: which alarms are a reason to retrain a mode's model.

The policy keeps no state. Submitted jobs are recorded as events in the store, so a restarted
monitor continues from there. Where the jobs run is the caller's choice (`RetrainingJobs`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pba.errors import Conflict, NotFound
from pba.monitoring.drift import AlarmStage
from pba.monitoring.drift_watch import DRIFT, mode_drift
from pba.registry.promotion import RETRAINED
from pba.security.audit_chain import AuditEntry
from pba.security.author import SERVICE, Author
from pba.store import Store
from pba.types import Event
from pba.types.profile import PROFILES

__all__ = ["RETRAINING", "RetrainingJobs", "RetrainingPolicy"]

RETRAINING = "retraining"
"""The kind of the events for submitted jobs; `RETRAINED` events record how each ended."""

_HOUR_S = 3600.0
_AUTHOR = Author("automatic retraining", SERVICE)


class RetrainingJobs(Protocol):
    """The service that runs retraining jobs."""

    def submit(self, job: str, mode: str) -> None:
        """Start a retraining of ``mode`` with the id ``job``, unless that id exists already."""
        ...

    def running(self, job: str) -> bool:
        """Return whether ``job`` exists and has not ended."""
        ...


class RetrainingPolicy:
    """Submits a retraining when the forecasts of a mode or of a link have become worse.

    Parameters
    ----------
    store
        Alarms, and events of submitted jobs.
    jobs
        The service that runs them.
    every_h
        Least time between two jobs of one mode, hours. Only one job of any mode runs at a time.
    clock
        Returns the current Unix time in seconds.
    """

    def __init__(
        self, store: Store, jobs: RetrainingJobs, every_h: float, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._every_s = every_h * _HOUR_S
        self._clock = clock

    def submit_if_due(self) -> Event | None:
        """Submit a retraining if one is due; return its event, None if none is due.

        An alarm is a reason to retrain until a job submitted after it promotes a model, or until
        the alarm has ended and a job was submitted. One job may not be enough: an alarm opens soon
        after a change, when there is little new data, and a model that is refused then may succeed
        later. An alarm stays a reason while its job cannot be submitted.

        Raises
        ------
        RuntimeError, ConnectionError
            If jobs cannot be submitted now.
        """
        submissions = self._last_submissions()
        for mode, alarm in self._reasons():
            last = submissions.get(mode)
            if last is not None and (
                self._clock() - last.at_s < self._every_s or self._resolved(mode, alarm, last)
            ):
                continue
            if self._running(submissions) is not None:
                return None
            return self._submit(mode, last, _AUTHOR, alarm)
        return None

    def start(self, mode: str, author: Author, reason: str = "") -> Event:
        """Submit a retraining because an operator wants it; return its event.

        It counts as an answer to every alarm so far.

        Raises
        ------
        Conflict
            While another job runs.
        RuntimeError, ConnectionError
            If jobs cannot be submitted now.
        """
        submissions = self._last_submissions()
        running = self._running(submissions)
        if running is not None:
            raise Conflict(f"the retraining {running} is running; wait until it has ended.")
        return self._submit(mode, submissions.get(mode), author, reason=reason)

    def _running(self, submissions: Mapping[str, Event]) -> str | None:
        """Return the job that runs, None if there is none."""
        jobs = (str(event.body["job"]) for event in submissions.values())
        return next(filter(self._jobs.running, jobs), None)

    def _resolved(self, mode: str, alarm: Event, submitted: Event) -> bool:
        """Return whether the job ``submitted`` has made ``alarm`` no reason any more."""
        if _number(alarm) > submitted.body["alarm"]:
            return False
        (newest, *_) = self._store.events(alarm.kind, alarm.link_id, count=1)
        return newest.body["stage"] == AlarmStage.ENDED or any(
            event.body["model"] == mode and event.body["decision"] == "promote"
            for event in self._store.events(RETRAINED)
            if _number(event) > _number(submitted)
        )

    def _last_submissions(self) -> dict[str, Event]:
        """Return the newest submission of each mode."""
        submissions: dict[str, Event] = {}
        for event in self._store.events(RETRAINING):
            submissions.setdefault(event.body["model"], event)
        return submissions

    def _reasons(self) -> Iterator[tuple[str, Event]]:
        """Yield modes whose forecasts became worse, with the alarm that reports it."""
        for mode, alarm in self._mode_alarms():
            if _worse(alarm):
                yield mode, alarm
        for alarm in self._link_alarms():
            if _worse(alarm) and (link_mode := self._link_mode(alarm)) is not None:
                yield link_mode, alarm

    def _mode_alarms(self) -> list[tuple[str, Event]]:
        """Return the newest alarm of each mode that has a model."""
        newest = {mode: self._store.events(mode_drift(mode), count=1) for mode in PROFILES}
        return [
            (mode, alarm) for mode, events in newest.items() for alarm in self._before_end(events)
        ]

    def _link_alarms(self) -> list[Event]:
        """Return the newest alarm of each link that has an open one, or had one lately."""
        alarms = {event.link_id: event for event in self._store.open_link_alarms(DRIFT)}
        alarms |= {event.link_id: event for event in self._store.newest_link_events(DRIFT)}
        return self._before_end([alarm for _, alarm in sorted(alarms.items())])

    def _before_end(self, events: Sequence[Event]) -> list[Event]:
        """Return the alarms as last reported before they ended: an end is no new reason."""
        alarms: list[Event] = []
        for event in events:
            if event.body["stage"] == AlarmStage.ENDED:
                alarms += self._store.events(event.kind, event.link_id, event.number, count=1)
            else:
                alarms.append(event)
        # If the retention has deleted an alarm's opening, the event before is another one's end.
        return [alarm for alarm in alarms if alarm.body["stage"] != AlarmStage.ENDED]

    def _link_mode(self, alarm: Event) -> str | None:
        """Return the mode of the alarm's link; None for hybrid links, which use two models."""
        assert alarm.link_id is not None
        try:
            mode = self._store.link(alarm.link_id).mode.mode
        except NotFound:
            return None
        return mode.value if mode in PROFILES else None

    def _submit(
        self,
        mode: str,
        last: Event | None,
        author: Author,
        alarm: Event | None = None,
        reason: str = "",
    ) -> Event:
        # The id is derived from the events of the alarm and of the job before. So a job submitted
        # just before the monitor died is not submitted again.
        number = 0 if alarm is None else _number(alarm)
        job = f"retrain-{mode}-{number}-{last.number if last else 0}"
        self._jobs.submit(job, mode)
        # This job covers every alarm up to the newest one.
        alarms = [*(alarm for _, alarm in self._mode_alarms()), *self._link_alarms()]
        newest = max(map(_number, alarms), default=number)
        link_id = None if alarm is None else alarm.link_id
        body = {"model": mode, "job": job, "alarm": max(newest, number), "link_id": link_id}
        body |= {"reason": reason} if reason else {}
        event = Event(RETRAINING, self._clock(), link_id, {"who": author.who, **body})
        self._store.add_events([event], [AuditEntry(author, RETRAINING, mode, body)])
        return event


def _number(alarm: Event) -> int:
    assert alarm.number is not None  # events from the store have one
    return alarm.number


def _worse(alarm: Event) -> bool:
    """Return whether forecasts became worse; a new level alone is no reason to retrain."""
    of_mode = alarm.link_id is None
    return any(_is_worse(change, of_mode) for change in alarm.body["changes"])


def _is_worse(change: Mapping[str, Any], of_mode: bool) -> bool:
    """Return whether ``change`` is for the worse; bias is a difference for modes, else a ratio."""
    before, after = change["before"], change["after"]
    if change["what"] == "bias":
        if of_mode:
            return bool(abs(after) > abs(before))
        return bool(max(after, 1.0 / after) > max(before, 1.0 / before))
    fewer_hits = change["what"] == "hits" and after < before
    return bool(fewer_hits or (change["what"] == "error" and after > before))
