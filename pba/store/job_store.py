"""What the jobs of Monitors do in the store, beside scoring: leases, sums, drift of modes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from pba.scoring.transfer_sums import TransferSamples, TransferSums
from pba.store import (
    aggregate_fold,
    leases,
    link_counts,
    mode_outcome_queue,
    record_orders,
    transfer_scores,
    verdict_blocks,
)
from pba.store.database import Database
from pba.store.link_counts import LinkFigures
from pba.store.mode_outcome_queue import ModeQueue
from pba.store.statements import to_micros
from pba.store.transfer_scores import OpenTransfer
from pba.store.verdict_blocks import DueBlock
from pba.types import Event

__all__ = ["JobStore"]


class JobStore:
    """The part of a `pba.store.Store` that only Monitors use; raises as it does.

    Parameters
    ----------
    database
        The store's.
    clock
        Returns the current Unix time in seconds.
    block_us
        The length of blocks of the rollout's test which nobody has begun yet.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float], block_us: int = 1_800_000_000
    ) -> None:
        self._database = database
        self._clock = clock
        self._block_us = block_us

    def take_lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take a lease that is free, or renew one's own; return whether ``holder`` has it.

        It is free for others ``seconds`` later, or once it is given back.
        """
        now_us = to_micros(self._clock())
        until_us = now_us + to_micros(seconds)
        return self._database.write(leases.take_lease, name, holder, now_us, until_us)

    def lease_renewal(self, name: str, holder: str, seconds: float) -> Callable[[], bool]:
        """Return what keeps a lease while long work goes on; the work calls it between its steps.

        It renews the lease of ``holder`` once a quarter of its time is over, and returns whether
        the holder still has it. So a holder that died holds it for no longer than ``seconds``.
        """
        renewed_s = self._clock()

        def keep() -> bool:
            nonlocal renewed_s
            now_s = self._clock()
            if now_s - renewed_s < seconds / 4:
                return True
            renewed_s = now_s
            return self.take_lease(name, holder, seconds)

        return keep

    def give_back_lease(self, name: str, holder: str) -> None:
        """End a lease, if ``holder`` has it."""
        self._database.write(leases.give_back_lease, name, holder)

    def fold(self, limit: int) -> int:
        """Add up to ``limit`` deltas of each kind to the sums; return how many were added."""
        statements = aggregate_fold.fold_statements(limit)
        return self._database.write_sets(aggregate_fold.fold_deltas, statements)

    def mode_queues(self, limit: int) -> list[ModeQueue]:
        """Return up to ``limit`` batches of outcomes that wait for their mode's drift detector."""
        return self._database.read(mode_outcome_queue.read_queues, limit)

    def write_mode_state(self, queue: ModeQueue, state: bytes, events: Sequence[Event]) -> bool:
        """Write a mode's state after ``queue``, see `mode_outcome_queue.write_state`."""
        return self._database.write(mode_outcome_queue.write_state, queue, state, events)

    def link_figures(self, active_s: float) -> LinkFigures:
        """Return how many links have reported within ``active_s``, and what alarms are open."""
        since_us = to_micros(self._clock() - active_s)
        return self._database.read(link_counts.link_figures, since_us)

    def count_links(self) -> None:
        """Count links, mode switches and groups for reports, see `pba.store.link_counts`."""
        self._database.write(link_counts.write_counts, self._database.read(link_counts.count_all))
        groups = self._database.read(link_counts.count_groups)
        self._database.write(link_counts.write_groups, groups)

    def unordered_records(self, limit: int) -> list[Row[Any]]:
        """Return up to ``limit`` records that lack what links are sorted by."""
        return self._database.read(record_orders.unordered_records, limit)

    def write_orders(self, values: Mapping[tuple[int, int], tuple[int, float]]) -> None:
        """Write what links are sorted by, see `pba.store.record_orders.write_orders`."""
        self._database.write(record_orders.write_orders, values)

    @property
    def now_s(self) -> float:
        """The time of the service's clock, Unix seconds."""
        return self._clock()

    def due_transfers(self, limit: int) -> list[OpenTransfer]:
        """Return up to ``limit`` recorded transfers that are to be looked at now."""
        return self._database.read(transfer_scores.due_transfers, to_micros(self._clock()), limit)

    def transfer_samples(self, transfer: OpenTransfer, for_s: float) -> TransferSamples:
        """Return the samples that a transfer may need, see `transfer_scores.transfer_samples`."""
        return self._database.read(transfer_scores.transfer_samples, transfer, for_s)

    def write_transfers(
        self,
        scored: Sequence[tuple[OpenTransfer, TransferSums]],
        waiting: Sequence[tuple[OpenTransfer, int]],
    ) -> int:
        """Close those that are ``scored``, see `transfer_scores.write_transfers`."""
        return self._database.write(transfer_scores.write_transfers, scored, waiting)

    def due_block(self) -> DueBlock | None:
        """Return the block of the rollout's test that is to be closed, None if there is none."""
        now_us = to_micros(self._clock())
        return self._database.read(verdict_blocks.due_block, now_us, self._block_us)

    def write_block(self, due: DueBlock, rows: Sequence[dict[str, Any]]) -> bool:
        """Write a closed block, see `verdict_blocks.write_block`."""
        return self._database.write(verdict_blocks.write_block, due, rows)
