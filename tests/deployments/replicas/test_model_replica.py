"""A model replica follows the champion, whatever is wrong with registry, version or store."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.replicas import model_replica
from deployments.replicas.model_replica import ModelReplica
from deployments.settings import Settings
from pba.errors import BadArtifact
from pba.registry import Registry
from pba.registry.follower import Follower
from pba.store import Store
from pba.types import Event
from tests.registry.test_registry import MODE, NAME, NOW_S, toys
from tests.toy import toy_artifact

CONTEXT = SimpleNamespace(replica_tag="InternetModel#1")


class Place:
    """A folder with a shipped model, a registry and a store, and servers over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = {"model": str(toy_artifact(folder / "shipped", MODE))}
        self.registry = Registry(str(folder / "registry"), lambda: NOW_S)
        toys(folder / "trained", self.registry, "a", "b")
        self.store_url = f"sqlite:///{folder}/pba.db"
        self.servers: list[ModelReplica] = []

    async def started(self) -> ModelReplica:
        settings = Settings(
            registry=self.registry.root, store_url=self.store_url, follow_every_s=0.02
        )
        self.servers.append(ModelReplica(NAME, settings))
        await self.servers[-1].reconfigure(self.config)
        return self.servers[-1]

    def harm(self, version: str) -> None:
        path = Path(self.registry.root, NAME, version, "golden.json")
        path.write_bytes(path.read_bytes()[:-1])

    def away(self) -> None:
        Path(self.registry.root).rename(self.folder / "aside")
        Path(self.registry.root).write_text("no folder")

    def back(self) -> None:
        Path(self.registry.root).unlink()
        (self.folder / "aside").rename(self.registry.root)

    def events(self) -> list[tuple[str, str, str]]:
        store = Store(self.store_url, lambda: NOW_S).ready()
        found: list[Event] = store.events()
        store.close()
        return [(e.kind, e.body["version"], e.body["why"]) for e in reversed(found)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(model_replica.serve, "get_replica_context", lambda: CONTEXT)
    monkeypatch.setattr(model_replica, "listen_there_only", lambda: None)
    made = Place(tmp_path)
    yield made
    for server in made.servers:
        if server._following:
            server._following.cancel()


async def told(server: ModelReplica, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return what ``server`` says of itself as soon as that ``holds``."""
    for _ in range(500):
        said = await server.describe()
        if holds(said):
            return said
        await asyncio.sleep(0.02)
    raise AssertionError(f"it never came to that: {said}")


async def serving(server: ModelReplica, version: str) -> dict[str, Any]:
    return await told(server, lambda said: said["version"] == version)


async def until_events(place: Place, wanted: list[tuple[str, str, str]]) -> None:
    for _ in range(100):
        if place.events() == wanted:
            return
        await asyncio.sleep(0.05)
    assert place.events() == wanted


async def test_champions_are_followed_there_and_back(place: Place):
    server = await place.started()
    assert (await serving(server, "toy-1"))["champion"] == 0
    await until_events(place, [("model_serving", "toy-1", "start")])
    place.registry.promote(NAME, "a", "me")
    said = await serving(server, "a")
    assert (said["champion"], said["refused"], said["registry_away"]) == (1, None, None)
    await until_events(
        place, [("model_serving", "toy-1", "start"), ("model_serving", "a", "promoted")]
    )
    place.registry.rollback(NAME, "me")
    await serving(server, "toy-1")
    server.check_health()


async def test_a_replica_starts_with_the_champion(place: Place):
    place.registry.promote(NAME, "b", "me")
    server = await place.started()
    assert (await server.describe())["version"] == "b"
    await until_events(place, [("model_serving", "b", "start")])


async def test_a_bad_champion_is_refused_once_and_the_old_one_serves_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Registry, "verify", lambda *_: None)  # or it would not be promoted
    place.harm("b")
    server = await place.started()
    place.registry.promote(NAME, "a", "me")
    await serving(server, "a")
    place.registry.promote(NAME, "b", "me")
    said = await told(server, lambda said: bool(said["refused"]))
    assert (said["version"], said["champion"]) == ("a", 1)
    await asyncio.sleep(0.2)
    kinds = [kind for kind, _, _ in place.events()]
    assert kinds == ["model_serving", "model_serving", "model_refused"]
    place.registry.rollback(NAME, "me")
    assert (await told(server, lambda said: said["champion"] == 3))["refused"] is None


async def test_a_replica_that_finds_a_bad_champion_starts_with_the_shipped_model(place: Place):
    place.registry.promote(NAME, "a", "me")
    place.harm("a")
    said = await (await place.started()).describe()
    assert said["version"] == "toy-1"
    assert "golden.json" in said["refused"]
    await until_events(
        place,
        [
            ("model_refused", "a", said["refused"]),
            ("model_serving", "toy-1", f"start; {said['refused']}"),
        ],
    )


async def test_a_registry_that_goes_away_and_comes_back_is_followed_again(place: Place):
    server = await place.started()
    place.away()
    said = await told(server, lambda said: said["registry_away"])
    assert (said["version"], "does not answer" in said["registry_away"]) == ("toy-1", True)
    place.back()
    place.registry.promote(NAME, "a", "me")
    assert (await serving(server, "a"))["registry_away"] is None


async def test_a_registry_that_is_away_at_the_start_is_followed_when_it_is_there(place: Place):
    place.registry.promote(NAME, "a", "me")
    place.away()
    server = await place.started()
    assert (await server.describe())["version"] == "toy-1"
    place.back()
    await serving(server, "a")


async def test_a_registry_that_hangs_keeps_no_replica_from_starting(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    place.registry.promote(NAME, "a", "me")
    answers, look = threading.Event(), Follower.poll

    def hanging(self: Follower, *given: Any) -> Any:
        assert answers.wait(20)
        return look(self, *given)

    monkeypatch.setattr(Follower, "poll", hanging)
    monkeypatch.setattr(model_replica, "_PATIENCE_S", 0.1)
    server = await place.started()
    assert (await server.describe())["version"] == "toy-1"
    answers.set()
    await serving(server, "a")


async def test_a_store_that_is_away_keeps_no_champion_from_serving(
    place: Place, caplog: pytest.LogCaptureFixture
):
    (place.folder / "broken.db").write_text("no database, " * 100)
    place.store_url = f"sqlite:///{place.folder}/broken.db"
    server = await place.started()
    place.registry.promote(NAME, "a", "me")
    await serving(server, "a")
    for _ in range(100):
        lost = [record.kind for record in caplog.records if record.message == "event_not_stored"]
        if len(lost) == 2:
            break
        await asyncio.sleep(0.05)
    assert lost == ["model_serving", "model_serving"]


async def test_a_new_user_config_is_taken_up_where_no_champion_serves(place: Place):
    server = await place.started()
    other = toy_artifact(place.folder / "other", MODE, "toy-2")
    await server.reconfigure({"model": str(other)})
    await serving(server, "toy-2")
    await until_events(
        place, [("model_serving", "toy-1", "start"), ("model_serving", "toy-2", "user_config")]
    )


async def test_a_replica_without_any_model_ends(place: Place):
    place.config = {"model": str(place.folder / "nowhere")}
    with pytest.raises(BadArtifact, match="nowhere"):
        await place.started()


async def test_a_replica_that_stopped_following_is_unwell(
    place: Place, monkeypatch: pytest.MonkeyPatch
):
    server = await place.started()
    server.check_health()

    def broken(self: Follower, *given: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Follower, "poll", broken)
    assert server._following
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(server._following, 5)
    with pytest.raises(RuntimeError, match="follows no champion"):
        server.check_health()
