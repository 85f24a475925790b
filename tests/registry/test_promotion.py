"""Every promotion, rollback and refusal is logged as an event."""

from pathlib import Path

import pytest

from pba.errors import BadArtifact, Conflict, NotFound, RegistryUnavailable
from pba.registry import Registry
from pba.registry.promotion import Promoter
from pba.security import Author
from pba.security.audit_chain import AuditEntry
from pba.types import Event
from tests.registry.builders import NAME, NOW_S, publish_toys

ME, YOU = (Author(name, "operator") for name in ("me", "you"))


class LoggedRegistry:
    """A registry of toys, its promoter, and the logged events and changes."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.entries: list[AuditEntry] = []
        self.registry = Registry(str(folder / "registry"), lambda: NOW_S)
        publish_toys(folder, self.registry, "a", "b")
        self.promoter = Promoter(self.registry, self.log, lambda: NOW_S)

    def log(self, event: Event, entry: AuditEntry | None = None) -> None:
        self.events.append(event)
        self.entries += [] if entry is None else [entry]


@pytest.fixture
def logged(tmp_path: Path) -> LoggedRegistry:
    return LoggedRegistry(tmp_path)


def test_promotions_and_rollbacks_are_logged(logged: LoggedRegistry):
    logged.promoter.promote(NAME, "a", ME, "better", expected=0)
    logged.promoter.rollback(NAME, YOU, "worse", expected="a")
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
    assert [(entry.author, entry.action) for entry in logged.entries] == [
        (ME, "model_promoted"),
        (YOU, "model_rolled_back"),
    ]
    assert logged.entries[0].details == {"version": "a", "number": 1, "back": 0, "why": "better"}


def test_a_refusal_is_logged_and_raised(logged: LoggedRegistry):
    logged.promoter.promote(NAME, "a", ME)
    Path(logged.registry.root, NAME, "b", "card.json").unlink()
    with pytest.raises(BadArtifact):
        logged.promoter.promote(NAME, "b", ME)
    with pytest.raises(NotFound):
        logged.promoter.promote(NAME, "nothing", ME)
    with pytest.raises(Conflict):
        logged.promoter.rollback(NAME, ME, expected=7)
    refused = logged.events[1:]
    assert [event.kind for event in refused] == ["model_refused"] * 3
    assert [event.body["version"] for event in refused] == ["b", "nothing", None]
    assert "card.json" in refused[0].body["why"]
    assert refused[0].body["who"] == "me"
    assert len(logged.entries) == 1, "what is refused changes nothing"


def test_a_registry_that_does_not_respond_is_no_refusal(logged: LoggedRegistry):
    root = Path(logged.registry.root)
    root.rename(root.with_name("aside"))
    root.write_text("no folder")
    with pytest.raises(RegistryUnavailable):
        logged.promoter.promote(NAME, "a", ME)
    assert logged.events == []
