"""Every promotion, rollback and refusal is logged as an event."""

from pathlib import Path

import pytest

from pba.errors import BadArtifact, Conflict, NotFound, RegistryUnavailable
from pba.registry import Registry
from pba.registry.promotion import Promoter
from pba.types import Event
from tests.registry.builders import NAME, NOW_S, publish_toys


class LoggedRegistry:
    """A registry of toys, its promoter, and the logged events."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.registry = Registry(str(folder / "registry"), lambda: NOW_S)
        publish_toys(folder, self.registry, "a", "b")
        self.promoter = Promoter(self.registry, self.events.append, lambda: NOW_S)


@pytest.fixture
def logged(tmp_path: Path) -> LoggedRegistry:
    return LoggedRegistry(tmp_path)


def test_promotions_and_rollbacks_are_logged(logged: LoggedRegistry):
    logged.promoter.promote(NAME, "a", "me", "better", expected=0)
    logged.promoter.rollback(NAME, "you", "worse", expected="a")
    first, second = logged.events
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


def test_a_refusal_is_logged_and_raised(logged: LoggedRegistry):
    logged.promoter.promote(NAME, "a", "me")
    Path(logged.registry.root, NAME, "b", "card.json").unlink()
    with pytest.raises(BadArtifact):
        logged.promoter.promote(NAME, "b", "me")
    with pytest.raises(NotFound):
        logged.promoter.promote(NAME, "nothing", "me")
    with pytest.raises(Conflict):
        logged.promoter.rollback(NAME, "me", expected=7)
    refused = logged.events[1:]
    assert [event.kind for event in refused] == ["model_refused"] * 3
    assert [event.body["version"] for event in refused] == ["b", "nothing", None]
    assert "card.json" in refused[0].body["why"]
    assert refused[0].body["who"] == "me"


def test_a_registry_that_does_not_respond_is_no_refusal(logged: LoggedRegistry):
    root = Path(logged.registry.root)
    root.rename(root.with_name("aside"))
    root.write_text("no folder")
    with pytest.raises(RegistryUnavailable):
        logged.promoter.promote(NAME, "a", "me")
    assert logged.events == []
