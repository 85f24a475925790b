"""Versions over HTTP, without HTTP: what is listed, who is refused, what is told."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.settings import Settings
from pba.errors import BadArtifact, Conflict, InvalidRequest, NotFound, NotJson, PBAError
from pba.registry import Registry
from pba.serving.model_catalog import ModelCatalog
from pba.store import Store
from tests.registry.test_registry import NAME, NOW_S, toys


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    opened = Registry(str(tmp_path / "registry"), lambda: NOW_S)
    toys(tmp_path / "trained", opened, "a", "b")
    return opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/pba.db", lambda: NOW_S).ready()
    yield opened
    opened.close()


@pytest.fixture
def catalog(registry: Registry, store: Store) -> ModelCatalog:
    return ModelCatalog([NAME, "v1"], Settings(registry=registry.root), store)


async def test_versions_tell_the_champion_and_its_history(catalog: ModelCatalog):
    made = await catalog.promote(NAME, body(version="a", who="me", why="first", expected=0))
    assert (made["number"], made["version"], made["who"]) == (1, "a", "me")
    told = await catalog.versions(NAME)
    assert told["champion"] == made
    assert told["history"] == [made]
    assert [one["version"] for one in told["versions"]] == ["a", "b"]
    assert (await catalog.versions("v1"))["champion"]["version"] == "shipped"


async def test_a_change_is_an_event(catalog: ModelCatalog, store: Store):
    await catalog.promote(NAME, body(version="a"))
    assert (await catalog.rollback(NAME, b""))["version"] == "shipped"
    events = [(event.kind, event.body["who"]) for event in store.events()]
    assert events == [("model_rolled_back", "http"), ("model_promoted", "http")]


@pytest.mark.parametrize(
    ("model", "given", "kind", "field"),
    [
        ("hybrid", body(version="a"), NotFound, "mode"),
        ("../x", body(version="a"), NotFound, "mode"),
        (NAME, body(version="z"), NotFound, "version"),
        (NAME, body(version="../a"), InvalidRequest, "version"),
        (NAME, body(version="a", expected="b"), Conflict, "expected"),
        (NAME, body(version="a", expected=9), Conflict, "expected"),
        (NAME, body(version="a", expected=True), InvalidRequest, "expected"),
        (NAME, body(version="a", expected=[0]), InvalidRequest, "expected"),
        (NAME, body(), InvalidRequest, "version"),
        (NAME, body(version=3), InvalidRequest, "version"),
        (NAME, body(version="a", who=""), InvalidRequest, "who"),
        (NAME, body(version="a", now=True), InvalidRequest, "now"),
        (NAME, b"{", NotJson, None),
    ],
)
async def test_what_is_wrong_is_refused_with_its_field(
    catalog: ModelCatalog,
    registry: Registry,
    model: str,
    given: bytes,
    kind: type[PBAError],
    field: str | None,
):
    with pytest.raises(kind) as refused:
        await catalog.promote(model, given)
    assert (type(refused.value), refused.value.field) == (kind, field)
    assert registry.champion(NAME).number == 0


async def test_a_tampered_version_is_refused_and_told(
    catalog: ModelCatalog, registry: Registry, store: Store
):
    lengthen(Path(registry.root, NAME, "b", "internet_bandwidth_predictor.onnx"))
    with pytest.raises(BadArtifact, match="sha256"):
        await catalog.promote(NAME, body(version="b"))
    (event,) = store.events()
    assert (event.kind, event.body["version"]) == ("model_refused", "b")


async def test_of_promotions_at_once_one_wins(registry: Registry, store: Store):
    settings = Settings(registry=registry.root)
    routers = [ModelCatalog([NAME], settings, store) for _ in range(4)]
    asked = [
        one.promote(NAME, body(version="ab"[at % 2], expected=0)) for at, one in enumerate(routers)
    ]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["Conflict"] * 3 + ["dict"]
