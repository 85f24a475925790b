"""Whoever changes a champion, or is refused to, leaves an event."""

from pathlib import Path

import pytest

from pba.errors import BadArtifact, Conflict, NotFound, RegistryUnavailable
from pba.registry import Registry
from pba.registry.promotion import Promoter
from pba.types import Event
from tests.registry.test_registry import NAME, NOW_S, toys


class Told:
    """A registry of toys, and what was told about it."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.registry = Registry(str(folder / "registry"), lambda: NOW_S)
        toys(folder, self.registry, "a", "b")
        self.champions = Promoter(self.registry, self.events.append, lambda: NOW_S)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def test_promotions_and_rollbacks_are_told(told: Told):
    told.champions.promote(NAME, "a", "me", "better", expected=0)
    told.champions.rollback(NAME, "you", "worse", expected="a")
    first, second = told.events
    assert (first.kind, second.kind) == ("model_promoted", "model_rolled_back")
    assert (first.at_s, first.link_id) == (NOW_S, None)
    assert first.body == {
        "model": NAME,
        "number": 1,
        "version": "a",
        "action": "promoted",
        "back": 0,
        "at": "2033-05-18T03:33:20Z",
        "who": "me",
        "why": "better",
    }
    assert (second.body["version"], second.body["who"]) == ("shipped", "you")


def test_what_is_refused_is_told_and_raised(told: Told):
    told.champions.promote(NAME, "a", "me")
    Path(told.registry.root, NAME, "b", "card.json").unlink()
    with pytest.raises(BadArtifact):
        told.champions.promote(NAME, "b", "me")
    with pytest.raises(NotFound):
        told.champions.promote(NAME, "nothing", "me")
    with pytest.raises(Conflict):
        told.champions.rollback(NAME, "me", expected=7)
    refused = told.events[1:]
    assert [event.kind for event in refused] == ["model_refused"] * 3
    assert [event.body["version"] for event in refused] == ["b", "nothing", None]
    assert "card.json" in refused[0].body["why"]
    assert refused[0].body["who"] == "me"


def test_a_registry_that_is_away_refuses_nothing(told: Told):
    root = Path(told.registry.root)
    root.rename(root.with_name("aside"))
    root.write_text("no folder")
    with pytest.raises(RegistryUnavailable):
        told.champions.promote(NAME, "a", "me")
    assert told.events == []
