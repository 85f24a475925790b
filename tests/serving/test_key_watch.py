"""The keys as a router sees them: read again and again, and kept for a start without the store."""

import asyncio
import contextlib
import json
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pba.errors import KeysUnavailable, PBAError, StoreUnavailable, Unauthenticated
from pba.security import KeyRecord
from pba.security.key_file import write_keys
from pba.security.key_ring import StoredKeys
from pba.serving.key_watch import KeySnapshot, KeySources, KeyWatch
from tests.support.keys import NOW_S, key

STALE_S = 100.0
RECORD, HEADER = key("admin")
TEXT = HEADER["Authorization"]


class Node:
    """A node with a snapshot, and a store that may be away."""

    def __init__(self, folder: Path) -> None:
        self.now_s, self.away, self.reads = NOW_S, False, 0
        self.records: list[KeyRecord] = [RECORD]
        self.snapshot, self.file = folder / "snapshot.json", folder / "keys.json"

    def read(self) -> list[KeyRecord]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("the telemetry store is away")
        return list(self.records)

    def watch(self, store: str = "pba.db", file: Path | None = None) -> KeyWatch:
        """Return the watch of a router that starts now."""
        sources = KeySources(self.read, file, KeySnapshot(self.snapshot, store))
        return KeyWatch(sources, True, STALE_S, 0.01, lambda: self.now_s, patience_s=0.2)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@contextlib.asynccontextmanager
async def started(watch: KeyWatch) -> AsyncIterator[KeyWatch]:
    await watch.start()
    yield watch
    watch.stop()


def refusal(watch: KeyWatch, text: str | None = TEXT) -> type[PBAError] | None:
    """Return the class of the error that a caller gets, None for one who is let in."""
    try:
        watch.identify(text)
    except PBAError as error:
        return type(error)
    return None


async def until(condition: type[PBAError] | None, watch: KeyWatch) -> None:
    await eventually(lambda: refusal(watch) is condition)


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not happen within 10 s")


async def test_a_change_in_the_store_counts_at_the_next_read(node: Node):
    async with started(node.watch()) as watch:
        assert (refusal(watch), watch.running) == (None, True)
        node.records = [RECORD.revoked(NOW_S - 1)]
        await until(Unauthenticated, watch)
    await asyncio.sleep(0)
    assert not watch.running


async def test_the_last_known_keys_count_for_a_while_when_the_store_is_away(node: Node):
    async with started(node.watch()) as watch:
        node.away, reads = True, node.reads
        node.now_s += STALE_S
        await eventually(lambda: node.reads >= reads + 3)
        assert refusal(watch) is None
        node.now_s += 1
        assert refusal(watch) is KeysUnavailable
        node.away = False
        await until(None, watch)


async def test_a_router_that_starts_without_the_store_knows_the_keys_of_its_node(node: Node):
    await node.watch().refresh()
    node.away = True
    async with started(node.watch()) as watch:
        assert refusal(watch) is None
        assert refusal(watch, None) is Unauthenticated
        node.now_s += STALE_S + 1
        assert refusal(watch) is KeysUnavailable


async def test_a_router_with_neither_store_nor_snapshot_knows_nobody(node: Node):
    node.away = True
    async with started(node.watch()) as watch:
        assert refusal(watch) is KeysUnavailable
        assert refusal(watch, None) is KeysUnavailable
        assert isinstance(watch.refusal, KeysUnavailable)
        node.away = False
        await until(None, watch)
        assert watch.refusal is None


async def test_a_store_that_hangs_holds_a_start_up_for_a_while_only(node: Node):
    await node.watch().refresh()
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang() -> list[KeyRecord]:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return []

    sources = KeySources(hang, None, KeySnapshot(node.snapshot, "pba.db"))
    watch = KeyWatch(sources, True, STALE_S, 0.01, lambda: node.now_s, patience_s=0.1)
    async with asyncio.timeout(60), started(watch):
        assert refusal(watch) is None
        release.set()


async def test_the_snapshot_is_its_users_alone_and_holds_no_secret(node: Node):
    await node.watch().refresh()
    assert stat.S_IMODE(node.snapshot.stat().st_mode) == 0o600
    secret = TEXT.rpartition("_")[2]
    assert secret not in node.snapshot.read_text()
    assert json.loads(node.snapshot.read_text())["read_s"] == NOW_S


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
async def test_a_snapshot_that_others_may_read_or_write_does_not_count(node: Node, mode: int):
    await node.watch().refresh()
    node.snapshot.chmod(mode)
    node.away = True
    async with started(node.watch()) as watch:
        assert refusal(watch) is KeysUnavailable


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"keys": 1}', '{"store": "pba.db", "keys": [{}]}']
)
async def test_a_snapshot_that_is_none_does_not_count(node: Node, text: str):
    node.snapshot.write_text(text)
    node.snapshot.chmod(0o600)
    node.away = True
    async with started(node.watch()) as watch:
        assert refusal(watch) is KeysUnavailable


async def test_a_snapshot_of_another_store_does_not_count(node: Node):
    await node.watch(store="another.db").refresh()
    node.away = True
    async with started(node.watch()) as watch:
        assert refusal(watch) is KeysUnavailable


async def test_a_snapshot_is_written_for_changes_and_once_a_minute(node: Node):
    watch = node.watch()
    await watch.refresh()
    node.snapshot.unlink()
    await watch.refresh()
    assert not node.snapshot.exists()
    node.now_s += 61
    await watch.refresh()
    assert node.snapshot.exists()


async def test_a_node_whose_snapshot_cannot_be_written_works_without(
    node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_text("")
    node.snapshot = tmp_path / "file" / "snapshot.json"
    watch = node.watch()
    await watch.refresh()
    assert refusal(watch) is None
    assert "keys_snapshot_not_written" in caplog.text


async def test_keys_of_a_file_count_beside_those_of_the_store_and_without_it(node: Node):
    record, header = key("reader")
    write_keys(node.file, [record])
    watch = node.watch(file=node.file)
    await watch.refresh()
    text = header["Authorization"]
    assert (refusal(watch), refusal(watch, text)) == (None, None)
    node.away = True
    node.snapshot.unlink()
    async with started(node.watch(file=node.file)) as watch:
        assert (refusal(watch), refusal(watch, text)) == (KeysUnavailable, None)


async def test_a_file_that_cannot_be_read_any_more_leaves_its_keys(
    node: Node, caplog: pytest.LogCaptureFixture
):
    record, header = key("reader")
    write_keys(node.file, [record])
    watch = node.watch(file=node.file)
    await watch.refresh()
    node.file.write_text("half a fi")
    for _ in range(3):
        await watch.refresh()
    assert refusal(watch, header["Authorization"]) is None
    assert caplog.text.count("keys_file_not_read") == 1, "each cause is logged once"


async def test_an_answer_of_the_store_wins_over_a_snapshot(node: Node):
    KeySnapshot(node.snapshot, "pba.db").save(StoredKeys((RECORD,), NOW_S))
    node.records = [RECORD.revoked(NOW_S - 1)]
    async with started(node.watch()) as watch:
        assert refusal(watch) is Unauthenticated
