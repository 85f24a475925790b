"""The job that scores recorded transfers, once their links' samples have let them through."""

from pba.scoring.transfer_sums import UNSCORED, TransferSums, score_transfer
from pba.store import Store
from pba.store.transfer_scores import MOST_SAMPLES, OpenTransfer
from pba.telemetry.windows import GAP_INTERVALS

__all__ = ["TransferJob"]

_AT_ONCE = 50
_LEAST_PAUSE_S = 5.0
_PAUSE_SHARE = 0.25  # of a transfer's age: so its samples are read about four times in all


class TransferJob:
    """Looks at transfers that wait, and closes those whose outcome is known.

    It may die at any moment: a transfer is closed by the transaction that adds its outcome.

    Parameters
    ----------
    store
        Samples and transfers.
    wait_s
        A transfer is closed without an actual so long after the end of its observation, by the
        service's clock.
    gap_intervals
        As for `pba.scoring.transfer_sums.score_transfer`.
    """

    def __init__(
        self, store: Store, wait_s: float = 3600.0, gap_intervals: float = GAP_INTERVALS
    ) -> None:
        self._jobs = store.jobs
        self._wait_s = wait_s
        self._gap_intervals = gap_intervals

    def run(self) -> bool:
        """Look at the transfers that are due; return whether more may be.

        Raises
        ------
        StoreUnavailable
            While the store is away.
        """
        now_s = self._jobs.now_s
        due = self._jobs.due_transfers(_AT_ONCE)
        outcomes = [(one, self._outcome(one, now_s)) for one in due]
        scored = [(one, sums) for one, sums in outcomes if sums is not None]
        waiting = [(one, _next_look_us(one, now_s)) for one, sums in outcomes if sums is None]
        if due:
            self._jobs.write_transfers(scored, waiting)
        return len(due) == _AT_ONCE

    def _outcome(self, one: OpenTransfer, now_s: float) -> TransferSums | None:
        transfer = one.transfer
        for_s = transfer.limit_s + self._gap_intervals * transfer.step_s
        samples = self._jobs.transfer_samples(one, for_s)
        sums = score_transfer(transfer, samples, self._gap_intervals)
        if sums is not None:
            return sums
        over = now_s - transfer.created_s > transfer.limit_s + self._wait_s
        return UNSCORED if over or len(samples.timestamps_s) == MOST_SAMPLES else None


def _next_look_us(one: OpenTransfer, now_s: float) -> int:
    age_s = now_s - one.transfer.created_s
    return round((now_s + max(_LEAST_PAUSE_S, _PAUSE_SHARE * age_s)) * 1e6)
