"""Group commit: writes that arrive while a transaction runs share the next transaction."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from functools import partial
from typing import NamedTuple

from pba.errors import Busy, RowsRefused, StoreUnavailable
from pba.serving.pools import DEFAULT_POOL, Pool
from pba.serving.tracing import OpenSpan, open_spans, span, traced
from pba.store import Receipt, SampleReport, WriteBatch

__all__ = ["MAX_ROWS", "GroupCommit", "split_by_transaction"]

MAX_ROWS = 20_000
"""About as many rows as one transaction should write, so that others do not wait for it long."""

_Future = asyncio.Future[list[Receipt]]


class _Write(NamedTuple):
    """A batch that waits, whoever waits for its receipts, and the traces that it belongs to."""

    batch: WriteBatch
    receipts: _Future
    traces: tuple[OpenSpan, ...]


class GroupCommit:
    """Writes batches, one transaction at a time, each with all that arrived meanwhile.

    Parameters
    ----------
    write
        Writes a batch and blocks until it is committed; returns a receipt for each report.
    max_waiting
        How many batches may wait; one more is refused.
    pool
        Where ``write`` runs.

    Attributes
    ----------
    on_samples
        Called after each transaction that has stored samples.
    """

    def __init__(
        self,
        write: Callable[[WriteBatch], list[Receipt]],
        max_waiting: int,
        pool: Pool = DEFAULT_POOL,
    ) -> None:
        self._write = write
        self.on_samples: Callable[[], None] = lambda: None
        self._pool = pool
        self._max_waiting = max_waiting
        self._queue: list[_Write] = []
        self._worker: asyncio.Task[None] | None = None
        self._failing = False

    @property
    def waiting(self) -> int:
        """How many batches wait for the transaction before them."""
        return len(self._queue)

    @property
    def failing(self) -> bool:
        """Whether the last transaction failed because the store did not answer."""
        return self._failing

    async def __call__(self, batch: WriteBatch) -> list[Receipt]:
        """Return the receipts of ``batch`` once it is committed.

        A caller that is cancelled withdraws its batch, unless it is being written already.

        Raises
        ------
        Busy
            If too many batches wait already.
        StoreUnavailable
            If the store does not answer.
        """
        if len(self._queue) >= self._max_waiting:
            raise Busy(f"{len(self._queue)} writes wait for the store, the limit. Try again.")
        future: _Future = asyncio.get_running_loop().create_future()
        with span("store.write"):
            self._queue.append(_Write(batch, future, open_spans()))
            if self._worker is None or self._worker.done():
                # It belongs to no request, though the first one has it begin.
                self._worker = asyncio.create_task(self._work(), context=Context())
            try:
                return await future
            except asyncio.CancelledError:
                self._queue = [write for write in self._queue if write.receipts is not future]
                raise

    async def _work(self) -> None:
        while self._queue:
            group = self._next_group()
            try:
                receipts = await self._commit(group)
            except RowsRefused as error:
                await self._write_one_by_one(group, error)
            except StoreUnavailable as error:
                self._failing = True
                _fail(group, error)
            except Exception as error:  # one batch may be the cause: the others must not suffer
                await self._write_one_by_one(group, error)
            else:
                self._failing = False
                if receipts:
                    self.on_samples()
                for batch, future, _ in group:
                    _resolve(future, receipts[: len(batch.reports)])
                    receipts = receipts[len(batch.reports) :]

    async def _commit(self, group: Sequence[_Write]) -> list[Receipt]:
        """Write ``group`` in one transaction, which is a step of all its requests."""
        batch = group[0].batch if len(group) == 1 else _joined([write.batch for write in group])
        traces = [trace for write in group for trace in write.traces]
        with traced(traces), span("store.commit", requests=len(group)):
            return await self._pool(partial(self._write, batch))

    def _next_group(self) -> list[_Write]:
        """Take batches off the queue, up to about `MAX_ROWS` rows."""
        rows, count = 0, 0
        while count < len(self._queue) and rows < MAX_ROWS:
            rows += _row_count(self._queue[count].batch)
            count += 1
        group, self._queue = self._queue[:count], self._queue[count:]
        return group

    async def _write_one_by_one(self, group: Sequence[_Write], error: Exception) -> None:
        if len(group) == 1:
            _fail(group, error)
            return
        for write in group:
            try:
                _resolve(write.receipts, await self._commit([write]))
            except Exception as own_error:
                _fail([write], own_error)


def split_by_transaction(reports: Sequence[SampleReport]) -> list[list[SampleReport]]:
    """Return ``reports`` in batches of about as many samples as one transaction should write."""
    batches: list[list[SampleReport]] = []
    room = 0
    for report in reports:
        if room <= 0:
            batches.append([])
            room = MAX_ROWS
        batches[-1].append(report)
        room -= len(report.timestamps_s)
    return batches


def _joined(batches: Sequence[WriteBatch]) -> WriteBatch:
    reports = [report for batch in batches for report in batch.reports]
    forecasts = [forecast for batch in batches for forecast in batch.forecasts]
    transfers = [transfer for batch in batches for transfer in batch.transfers]
    return WriteBatch(
        reports,
        forecasts,
        any(batch.with_records for batch in batches),
        any(batch.with_contexts for batch in batches),
        transfers,
    )


def _row_count(batch: WriteBatch) -> int:
    samples = sum(len(report.timestamps_s) for report in batch.reports)
    return samples + len(batch.forecasts) + len(batch.transfers)


def _resolve(future: _Future, receipts: list[Receipt]) -> None:
    if not future.done():  # the caller may have been cancelled
        future.set_result(receipts)


def _fail(group: Sequence[_Write], error: Exception) -> None:
    for write in group:
        if not write.receipts.done():
            write.receipts.set_exception(error)
