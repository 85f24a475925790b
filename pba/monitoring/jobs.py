"""Jobs side by side, each on its own schedule: what hangs or fails stops only itself."""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pba.errors import PBAError

__all__ = ["Job", "JobRunner", "JobState"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is done again and again.

    Parameters
    ----------
    name
        Its name in logs and metrics.
    run
        Does a piece of the work; returns whether more waits, which is done at once.
    every_s
        The seconds between two rounds of work.
    limit_s
        A round that takes longer is reported by `JobRunner.stalled`.
    vital
        Whether the process is of no use without it.
    failures
        What ``run`` may raise besides `pba.errors.PBAError` without ending the job.
    """

    name: str
    run: Callable[[], bool]
    every_s: float
    limit_s: float = 60.0
    vital: bool = True
    failures: tuple[type[Exception], ...] = ()


@dataclass(slots=True)
class JobState:
    """What became of a job so far.

    Parameters
    ----------
    finished_s
        When it last finished a round, or was started, by the runner's clock.
    rounds, failed
        How many rounds ended, and how many of these with an error.
    ended
        Whether it ended by an error that is a defect; the log has it.
    """

    finished_s: float
    rounds: int = 0
    failed: int = 0
    ended: bool = False


class JobRunner:
    """Runs each job in a thread of its own.

    A round that raises a `PBAError`, or one of the job's ``failures``, is logged and done again
    when the next is due. Any other error ends the job, which `stalled` reports.

    Parameters
    ----------
    jobs
        The jobs; their names differ.
    clock
        Seconds of a clock that never goes back.
    """

    def __init__(self, jobs: Iterable[Job], clock: Callable[[], float]) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._clock = clock
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []
        self.states = {name: JobState(clock()) for name in self._jobs}

    def start(self) -> None:
        """Start all jobs."""
        for job in self._jobs.values():
            self.states[job.name].finished_s = self._clock()
            thread = threading.Thread(target=self._work, args=(job,), name=job.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, limit_s: float) -> None:
        """Have no job begin another round, and wait at most ``limit_s`` for those that run."""
        self._stopped.set()
        until_s = self._clock() + limit_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - self._clock()))

    def ages_s(self) -> dict[str, float]:
        """Return the seconds since each job last finished a round."""
        return {name: self._clock() - state.finished_s for name, state in self.states.items()}

    def stalled(self) -> list[str]:
        """Return what is wrong with vital jobs: each that has ended or takes too long.

        Before `start` nothing is: who waits to start them is in order.
        """
        if not self._threads:
            return []
        ages_s = self.ages_s()
        problems = []
        for name, job in self._jobs.items():
            late_s = ages_s[name] - job.every_s
            if job.vital and self.states[name].ended:
                problems.append(f"the job {name} has ended by an error; the log has it")
            elif job.vital and late_s > job.limit_s:
                problems.append(f"the job {name} has not finished a round for {ages_s[name]:.0f} s")
        return problems

    def _work(self, job: Job) -> None:
        state = self.states[job.name]
        try:
            while not self._stopped.is_set():
                more = self._round(job, state)
                if not more:
                    self._stopped.wait(job.every_s)
        except Exception:
            state.ended = True
            _log.exception("job_ended", extra={"job": job.name})

    def _round(self, job: Job, state: JobState) -> bool:
        more = False
        failures: tuple[type[Exception], ...] = (PBAError, *job.failures)
        try:
            more = job.run()
        except failures as error:
            state.failed += 1
            _log.warning("job_failed", extra={"job": job.name, "why": str(error)})
        state.rounds += 1
        state.finished_s = self._clock()
        return more
