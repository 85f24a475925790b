"""The verdict job: closes blocks of the rollout's test, and stores what they support."""

from dataclasses import replace
from typing import Any

import numpy as np

from pba.rollout.sequential_test import look, threshold
from pba.store import Store
from pba.store.verdict_blocks import ModeTest

__all__ = ["VerdictJob"]


class VerdictJob:
    """Closes the block of time that has ended since the flags last changed.

    The first verdict that is decided stands until the flags change. Of two Monitors that close one
    block only the first counts.

    Parameters
    ----------
    store
        The sums over pairs, and the blocks.
    """

    def __init__(self, store: Store) -> None:
        self._jobs = store.jobs

    def run(self) -> bool:
        """Close the block that is due; return false, as no other can be due now.

        Raises
        ------
        StoreUnavailable
            While the store is away.
        """
        due = self._jobs.due_block()
        if due is None:
            return False
        overall = due.tests[0]
        if due.block and overall.pairs[-1] == overall.pairs[-2]:
            self._jobs.write_block(replace(due, tests=()), [])
            return False
        decides = threshold(len(due.tests))
        self._jobs.write_block(due, [_closed(test, decides) for test in due.tests])
        return False


def _closed(test: ModeTest, decides: float) -> dict[str, Any]:
    """Return the row of one mode's block; blocks without a pair are no units."""
    sums = np.diff(test.net)[np.diff(test.pairs) > 0]
    result = look(sums, test.totals, test.counts, decides)
    return {
        "mode": test.mode,
        "pairs": int(test.pairs[-1]),
        "net": int(test.net[-1]),
        "units": len(sums),
        "links": int(test.counts.sum()),
        "evidence": result.evidence,
        "verdict": result.verdict if test.verdict == "undecided" else test.verdict,
    }
