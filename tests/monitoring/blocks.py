"""Blocks of the rollout's test, as batches of pairs and the verdict job bring them about."""

from collections.abc import Sequence

from pba.monitoring.verdict_job import VerdictJob
from pba.store import Store
from pba.store.report_tables import PAIR_SUMS, pair_deltas
from tests.store.builders import NOW_S
from tests.store.deltas import append

BLOCK_S = 600.0
DATACENTER, INTERNET = 0, 1


class Clock:
    """A clock that a test sets."""

    now_s = NOW_S

    def __call__(self) -> float:
        """Return the time now."""
        return self.now_s


def add_pairs(store: Store, clock: Clock, net: int, pairs: int = 100, mode: int = INTERNET) -> None:
    """Append a batch of pairs of which v3 alone wins ``net`` more than v1 alone."""
    sums = dict.fromkeys(PAIR_SUMS, 0.0) | {"pairs": pairs, "v3_only": 20 + net, "v1_only": 20}
    append(store, pair_deltas, [{"from_us": round(clock.now_s * 1e6), "mode": mode} | sums])


def close_block(store: Store, clock: Clock) -> None:
    """Let a block pass, and have the job close it."""
    clock.now_s += BLOCK_S
    VerdictJob(store).run()


def run_blocks(store: Store, clock: Clock, nets: Sequence[int], mode: int = INTERNET) -> None:
    """Bring about a block for each of ``nets``."""
    for net in nets:
        add_pairs(store, clock, net, mode=mode)
        close_block(store, clock)


def better(blocks: int) -> list[int]:
    """Return blocks that decide for v3 once there are enough of them."""
    return [9 + number % 3 for number in range(blocks)]
