"""Group commit: what callers write while a transaction runs goes into the next one together."""

import asyncio
from collections.abc import Callable, Sequence

from pba.errors import Busy, StoreUnavailable
from pba.store import Receipt, WriteBatch

__all__ = ["MOST_ROWS", "GroupCommit"]

MOST_ROWS = 20_000
"""About as much as one transaction should hold, so that others do not wait for it long."""


class GroupCommit:
    """Writes batches, one transaction at a time, each with all that has come in the meantime.

    Parameters
    ----------
    write
        Writes a batch and blocks until it is committed; returns a receipt for each report.
    most_waiting
        Batches that may wait; one more is refused.
    """

    def __init__(self, write: Callable[[WriteBatch], list[Receipt]], most_waiting: int) -> None:
        self._write = write
        self._most_waiting = most_waiting
        self._waiting: list[tuple[WriteBatch, asyncio.Future[list[Receipt]]]] = []
        self._working: asyncio.Task[None] | None = None
        self._failing = False

    @property
    def failing(self) -> bool:
        """Whether the store was away when the last transaction was to be written."""
        return self._failing

    async def __call__(self, batch: WriteBatch) -> list[Receipt]:
        """Return the receipts of ``batch`` once it is committed.

        A caller that gives up takes its batch back, unless it is being written already.

        Raises
        ------
        Busy
            If too many wait already.
        StoreUnavailable
            If it could not be written.
        """
        if len(self._waiting) >= self._most_waiting:
            raise Busy(f"{len(self._waiting)} writes wait for the store, the most. Try again.")
        done: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        try:
            return await done
        except asyncio.CancelledError:
            self._waiting = [one for one in self._waiting if one[1] is not done]
            raise

    async def _work(self) -> None:
        while self._waiting:
            group = self._next()
            batches = [batch for batch, _ in group]
            try:
                receipts = await asyncio.to_thread(self._write, _joined(batches))
            except StoreUnavailable as error:
                self._failing = True
                _end(group, error)
            except Exception as error:  # one of them may be to blame: nobody else shall suffer
                await self._one_by_one(group, error)
            else:
                self._failing = False
                for batch, done in group:
                    _give(done, receipts[: len(batch.reports)])
                    receipts = receipts[len(batch.reports) :]

    def _next(self) -> list[tuple[WriteBatch, asyncio.Future[list[Receipt]]]]:
        """Take what waits, up to about `MOST_ROWS`."""
        rows, count = 0, 0
        while count < len(self._waiting) and rows < MOST_ROWS:
            rows += _rows(self._waiting[count][0])
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _one_by_one(
        self, group: Sequence[tuple[WriteBatch, asyncio.Future[list[Receipt]]]], error: Exception
    ) -> None:
        if len(group) == 1:
            _end(group, error)
            return
        for batch, done in group:
            try:
                _give(done, await asyncio.to_thread(self._write, batch))
            except Exception as own:
                _end([(batch, done)], own)


def _joined(batches: Sequence[WriteBatch]) -> WriteBatch:
    reports = [report for batch in batches for report in batch.reports]
    return WriteBatch(reports, [said for batch in batches for said in batch.said])


def _rows(batch: WriteBatch) -> int:
    return sum(len(report.timestamps_s) for report in batch.reports) + len(batch.said)


def _give(done: "asyncio.Future[list[Receipt]]", receipts: list[Receipt]) -> None:
    if not done.done():  # the caller may have gone
        done.set_result(receipts)


def _end(
    group: Sequence[tuple[WriteBatch, "asyncio.Future[list[Receipt]]"]], error: Exception
) -> None:
    for _, done in group:
        if not done.done():
            done.set_exception(error)
