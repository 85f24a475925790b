"""Following a log whose rows are committed in another order, and one that goes away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest

from pba.errors import StoreUnavailable
from pba.serving.log_follower import LogCursor, LogFollower
from tests.support.waiting import until


@dataclass(frozen=True)
class Row:
    number: int


def rows(*numbers: int) -> list[Row]:
    return [Row(number) for number in numbers]


def numbers_of(items: Sequence[Row]) -> list[int]:
    return [item.number for item in items]


def test_each_row_is_new_once():
    cursor = LogCursor(0)
    assert numbers_of(cursor.new(rows(1, 2), 0.0)) == [1, 2]
    assert cursor.number == 2
    assert numbers_of(cursor.new(rows(3), 0.1)) == [3]
    assert cursor.new([], 0.2) == []


def test_a_row_that_was_committed_later_than_the_next_one_is_new_then():
    cursor = LogCursor(0)
    assert numbers_of(cursor.new(rows(1, 3, 4), 0.0)) == [1, 3, 4]
    assert cursor.number == 1
    assert numbers_of(cursor.new(rows(2, 3, 4), 0.1)) == [2]
    assert cursor.number == 4


def test_a_number_that_does_not_come_is_given_up_after_five_seconds():
    cursor = LogCursor(0)
    cursor.new(rows(2, 3, 5), 0.0)
    assert cursor.new(rows(2, 3, 5), 4.9) == []
    assert cursor.number == 0
    cursor.new(rows(2, 3, 5), 5.1)
    assert cursor.number == 3
    cursor.new(rows(5), 10.2)
    assert cursor.number == 5


@dataclass
class Log:
    """A log in memory, and what a follower of it has received."""

    numbers: list[int] = field(default_factory=list)
    away: bool = False
    received: list[int] = field(default_factory=list)
    needed: bool = True
    reads: int = 0

    def newest(self) -> int:
        return max(self.numbers, default=0)

    def after(self, number: int, count: int) -> list[Row]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("away")
        return rows(*sorted(one for one in self.numbers if one > number)[:count])

    async def handle(self, items: Sequence[Row], number: int) -> None:
        assert not self.numbers or number <= max(self.numbers)
        self.received += numbers_of(items)

    def follower(self, lost: Callable[[], Awaitable[None]] | None = None) -> LogFollower[Row]:
        return LogFollower(
            self.newest, self.after, self.handle, lambda: self.needed, lost, every_s=0.05
        )


async def test_what_is_stored_after_the_start_is_received_whatever_the_order():
    log = Log([1, 2, 4])
    follower = log.follower()
    await follower.start()
    log.numbers += [3, 5]
    await until(lambda: len(log.received) >= 2)
    assert log.received == [3, 5]
    follower.stop()


async def test_what_is_stored_while_the_store_is_away_is_received_afterwards(
    caplog: pytest.LogCaptureFixture,
):
    log = Log([1])
    follower = log.follower()
    await follower.start()
    log.away = True
    reads = log.reads
    await until(lambda: log.reads > reads + 2)
    log.numbers.append(2)
    log.away = False
    await until(lambda: log.received == [2])
    assert [record.message for record in caplog.records] == ["log_not_followed"]
    follower.stop()


async def test_it_ends_when_nobody_needs_it_and_starts_again():
    log = Log([1])
    follower = log.follower()
    await follower.start()
    log.needed = False
    reads = log.reads
    await asyncio.sleep(0.2)
    assert log.reads <= reads + 1
    log.numbers.append(2)
    log.needed = True
    await follower.start()
    log.numbers.append(3)
    await until(lambda: bool(log.received))
    assert log.received == [3]
    follower.stop()


async def test_after_a_long_silence_what_may_be_lost_is_reported(monkeypatch: pytest.MonkeyPatch):
    now_s = 0.0
    monkeypatch.setattr("pba.serving.log_follower._loop_s", lambda: now_s)
    reports: list[bool] = []

    async def lost() -> None:
        reports.append(True)

    log = Log([1])
    follower = log.follower(lost)
    await follower.start()
    await looks(log, 2)
    assert not reports
    log.away = True
    await looks(log, 2)  # the second of them begins while the store is away
    now_s = 46.0
    log.away = False
    await until(lambda: bool(reports))
    follower.stop()


async def looks(log: Log, count: int) -> None:
    reads = log.reads
    await until(lambda: log.reads >= reads + count)
