"""A host follows the champion, whatever happens to registry, versions or shipped model."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pba.errors import BadArtifact
from pba.models.onnx_session import CPU_SESSION
from pba.registry import Registry
from pba.registry.follower import Follower
from pba.serving import model_host
from pba.serving.model_host import ModelHost
from tests.registry.builders import MODE, NAME, NOW_S, publish_toys
from tests.toy import toy_artifact

TIMEOUT_S = 60


class Node:
    """A folder with a shipped model and a registry, and the hosts that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shipped = str(toy_artifact(folder / "shipped", MODE))
        self.registry = Registry(str(folder / "registry"), lambda: NOW_S)
        publish_toys(folder / "trained", self.registry, "a", "b")
        self.events = asyncio.Queue[tuple[str, dict[str, Any]]]()
        self.hosts: list[ModelHost] = []

    def open(self, every_s: float = 0.01) -> ModelHost:
        """Return a host that has not been configured yet."""
        host = ModelHost(NAME, self.registry, every_s, self._announce)
        self.hosts.append(host)
        return host

    async def start(self, every_s: float = 0.01) -> ModelHost:
        host = self.open(every_s)
        await host.configure(self.shipped, CPU_SESSION)
        return host

    async def event(self) -> tuple[str, str, str]:
        """Return kind, version and reason of the next event."""
        kind, body = await asyncio.wait_for(self.events.get(), TIMEOUT_S)
        return kind, body["version"], body["why"]

    def damage(self, version: str) -> None:
        path = Path(self.registry.root, NAME, version, "golden.json")
        path.write_bytes(path.read_bytes()[:-1])

    def remove_registry(self) -> None:
        Path(self.registry.root).rename(self.folder / "aside")
        Path(self.registry.root).write_text("no folder")

    def restore_registry(self) -> None:
        Path(self.registry.root).unlink()
        (self.folder / "aside").rename(self.registry.root)

    def _announce(self, kind: str, body: dict[str, Any]) -> None:
        self.events.put_nowait((kind, body))


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    opened = Node(tmp_path)
    yield opened
    for host in opened.hosts:
        host.stop()


@pytest.fixture
async def polls(monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[None]:
    """Return a queue that gets an item whenever a poll of the registry has ended."""
    ended, poll, loop = asyncio.Queue[None](), Follower.poll, asyncio.get_running_loop()

    def recorded(self: Follower, *options: Any) -> Any:
        try:
            return poll(self, *options)
        finally:
            loop.call_soon_threadsafe(ended.put_nowait, None)

    monkeypatch.setattr(Follower, "poll", recorded)
    return ended


async def two_more(polls: asyncio.Queue[None]) -> None:
    """Wait until a poll that has not begun yet has had its effect."""
    while not polls.empty():
        polls.get_nowait()
    for _ in range(3):
        await asyncio.wait_for(polls.get(), TIMEOUT_S)


async def test_champions_are_followed_forward_and_back(node: Node):
    host = await node.start()
    assert host.describe()["version"] == "toy-1"
    assert host.describe()["champion"] == 0
    assert await node.event() == ("model_serving", "toy-1", "start")
    node.registry.promote(NAME, "a", "me")
    assert await node.event() == ("model_serving", "a", "promoted")
    serving = host.describe()
    assert (serving["version"], serving["champion"]) == ("a", 1)
    assert (serving["refused"], serving["registry_away"]) == (None, None)
    assert host.forecaster.version == "a"
    node.registry.rollback(NAME, "me")
    assert await node.event() == ("model_serving", "toy-1", "rolled_back")
    assert host.running


async def test_an_event_names_model_champion_and_person(node: Node):
    await node.start()
    node.registry.promote(NAME, "a", "anna")
    await node.event()
    kind, body = await asyncio.wait_for(node.events.get(), TIMEOUT_S)
    assert kind == "model_serving"
    assert body == {
        "model": NAME,
        "version": "a",
        "champion": 1,
        "why": "promoted",
        "who": "anna",
    }


async def test_a_host_starts_with_the_champion(node: Node):
    node.registry.promote(NAME, "b", "me")
    host = await node.start()
    assert host.describe()["version"] == "b"
    assert await node.event() == ("model_serving", "b", "start")


async def test_a_bad_champion_is_refused_once_and_the_old_one_stays(
    node: Node, monkeypatch: pytest.MonkeyPatch, polls: asyncio.Queue[None]
):
    monkeypatch.setattr(Registry, "verify", lambda *_: None)  # or it could not be promoted
    node.damage("b")
    node.registry.promote(NAME, "a", "me")
    host = await node.start()
    assert await node.event() == ("model_serving", "a", "start")
    node.registry.promote(NAME, "b", "me")
    kind, version, why = await node.event()
    assert (kind, version) == ("model_refused", "b")
    serving = host.describe()
    assert (serving["version"], serving["champion"], serving["refused"]) == ("a", 1, why)
    await two_more(polls)
    assert node.events.empty(), "a champion is refused once"
    node.registry.rollback(NAME, "me")
    assert await node.event() == ("model_serving", "a", "rolled_back")
    assert (host.describe()["champion"], host.describe()["refused"]) == (3, None)


async def test_a_host_that_finds_a_bad_champion_starts_with_the_shipped_model(node: Node):
    node.registry.promote(NAME, "a", "me")
    node.damage("a")
    host = await node.start()
    refused = host.describe()["refused"]
    assert host.describe()["version"] == "toy-1"
    assert "golden.json" in refused
    assert await node.event() == ("model_refused", "a", refused)
    assert await node.event() == ("model_serving", "toy-1", f"start; {refused}")


async def test_a_registry_that_disappears_and_comes_back_is_followed_again(
    node: Node, polls: asyncio.Queue[None]
):
    host = await node.start()
    assert await node.event() == ("model_serving", "toy-1", "start")
    node.remove_registry()
    await two_more(polls)
    serving = host.describe()
    assert serving["version"] == "toy-1"
    assert "does not answer" in serving["registry_away"]
    node.restore_registry()
    node.registry.promote(NAME, "a", "me")
    assert await node.event() == ("model_serving", "a", "promoted")
    assert host.describe()["registry_away"] is None


async def test_a_registry_that_is_unavailable_at_the_start_is_followed_later(node: Node):
    node.registry.promote(NAME, "a", "me")
    node.remove_registry()
    host = await node.start()
    assert host.describe()["version"] == "toy-1"
    assert (await node.event())[:2] == ("model_serving", "toy-1")
    node.restore_registry()
    assert (await node.event())[:2] == ("model_serving", "a")


async def test_a_registry_that_hangs_does_not_keep_a_host_from_starting(
    node: Node, monkeypatch: pytest.MonkeyPatch
):
    node.registry.promote(NAME, "a", "me")
    answers, poll = threading.Event(), Follower.poll

    def hang(self: Follower, *options: Any) -> Any:
        assert answers.wait(TIMEOUT_S)
        return poll(self, *options)

    monkeypatch.setattr(Follower, "poll", hang)
    monkeypatch.setattr(model_host, "_START_PATIENCE_S", 0.05)
    host = await node.start()
    assert host.describe()["version"] == "toy-1"
    assert await node.event() == (
        "model_serving",
        "toy-1",
        "start; the registry does not answer yet",
    )
    answers.set()
    assert (await node.event())[:2] == ("model_serving", "a")


async def test_a_new_configuration_applies_at_once_if_no_champion_serves(node: Node):
    host = await node.start(every_s=600.0)
    await node.event()
    other = str(toy_artifact(node.folder / "other", MODE, "toy-2"))
    await host.configure(other, CPU_SESSION)
    assert await node.event() == ("model_serving", "toy-2", "user_config")
    assert host.forecaster.version == "toy-2"


async def test_a_host_without_any_model_does_not_start(node: Node):
    host = node.open()
    with pytest.raises(BadArtifact, match="has no model"):
        host.describe()
    with pytest.raises(BadArtifact, match="nowhere"):
        await host.configure(str(node.folder / "nowhere"), CPU_SESSION)


async def test_a_host_that_has_stopped_following_is_not_running(
    node: Node, monkeypatch: pytest.MonkeyPatch
):
    host = await node.start()
    assert host.running
    (task,) = asyncio.all_tasks() - {asyncio.current_task()}

    def fail(self: Follower, *options: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Follower, "poll", fail)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(task, TIMEOUT_S)
    assert not host.running
