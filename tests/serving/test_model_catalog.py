"""The registry for operators: versions, promotions, rollbacks, refusals, and their events."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pba.errors import (
    BadArtifact,
    Conflict,
    InvalidRequest,
    NotFound,
    PBAError,
    RegistryUnavailable,
)
from pba.registry import Expected, Registry
from pba.registry.promotion import Promoter
from pba.security import Author
from pba.serving.event_log import EventLog
from pba.serving.model_catalog import ModelCatalog
from pba.store import Store
from tests.registry.builders import NAME, NOW_S, publish_toys
from tests.support.databases import new_file

ME, YOU = (Author(name, "operator") for name in ("me", "you"))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    opened = Registry(str(tmp_path / "registry"), lambda: NOW_S)
    publish_toys(tmp_path / "trained", opened, "a", "b")
    return opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(new_file(tmp_path / "pba.db"), lambda: NOW_S).ready()
    yield opened
    opened.close()


def open_catalog(registry: Registry, store: Store) -> ModelCatalog:
    promoter = Promoter(registry, EventLog(store).add, lambda: NOW_S)
    return ModelCatalog([NAME, "v1"], registry, promoter)


@pytest.fixture
def catalog(registry: Registry, store: Store) -> ModelCatalog:
    return open_catalog(registry, store)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


async def test_versions_include_the_champion_and_its_history(catalog: ModelCatalog):
    pointer = await catalog.promote(NAME, "a", ME, "first", 0)
    assert (pointer["number"], pointer["version"], pointer["who"]) == (1, "a", "me")
    listed = await catalog.versions(NAME)
    assert (listed["model"], listed["champion"], listed["history"]) == (NAME, pointer, [pointer])
    assert [version["version"] for version in listed["versions"]] == ["a", "b"]
    assert (await catalog.versions("v1"))["champion"]["version"] == "shipped"


async def test_a_change_is_an_event(catalog: ModelCatalog, store: Store):
    await catalog.promote(NAME, "a", ME, "", None)
    assert (await catalog.rollback(NAME, YOU, "", None))["version"] == "shipped"
    events = [(event.kind, event.body["who"]) for event in store.events()]
    assert events == [("model_rolled_back", "you"), ("model_promoted", "me")]
    assert [(row.action, row.who, row.subject) for row in store.audit.rows()] == [
        ("model_rolled_back", "you", NAME),
        ("model_promoted", "me", NAME),
    ]


@pytest.mark.parametrize(
    ("model", "version", "expected", "kind", "field"),
    [
        ("hybrid", "a", None, NotFound, "mode"),
        ("../x", "a", None, NotFound, "mode"),
        (NAME, "z", None, NotFound, "version"),
        (NAME, "../a", None, InvalidRequest, "version"),
        (NAME, "a", "b", Conflict, "expected"),
        (NAME, "a", 9, Conflict, "expected"),
    ],
)
async def test_a_promotion_that_breaks_a_rule_is_refused_with_its_field(
    catalog: ModelCatalog,
    registry: Registry,
    model: str,
    version: str,
    expected: Expected,
    kind: type[PBAError],
    field: str,
):
    with pytest.raises(kind) as caught:
        await catalog.promote(model, version, ME, "", expected)
    assert (type(caught.value), caught.value.field) == (kind, field)
    assert registry.champion(NAME).number == 0


@pytest.mark.parametrize("model", ["hybrid", "../x"])
async def test_a_name_without_a_deployment_has_no_versions_and_no_rollback(
    catalog: ModelCatalog, model: str
):
    for call in (catalog.versions(model), catalog.rollback(model, ME, "", None)):
        with pytest.raises(NotFound, match="there are internet, v1"):
            await call


async def test_a_damaged_version_is_refused_with_an_event(
    catalog: ModelCatalog, registry: Registry, store: Store
):
    lengthen(Path(registry.root, NAME, "b", "internet_bandwidth_predictor.onnx"))
    with pytest.raises(BadArtifact, match="sha256"):
        await catalog.promote(NAME, "b", ME, "", None)
    (event,) = store.events()
    assert (event.kind, event.body["version"]) == ("model_refused", "b")


async def test_of_concurrent_promotions_one_wins(registry: Registry, store: Store):
    catalogs = [open_catalog(registry, store) for _ in range(4)]
    calls = [
        catalog.promote(NAME, "ab"[number % 2], ME, "", 0)
        for number, catalog in enumerate(catalogs)
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict"] * 3 + ["dict"]


async def test_a_registry_that_hangs_is_unavailable_after_the_deadline(
    registry: Registry, store: Store, monkeypatch: pytest.MonkeyPatch
):
    answered = threading.Event()
    monkeypatch.setattr(registry, "versions", lambda _: answered.wait(10))
    promoter = Promoter(registry, EventLog(store).add, lambda: NOW_S)
    catalog = ModelCatalog([NAME], registry, promoter, deadline_s=0.05)
    with pytest.raises(RegistryUnavailable, match="within 0.05 s"):
        await catalog.versions(NAME)
    answered.set()
