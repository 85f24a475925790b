"""Events are numbered, read newest first, and filtered by kind and link."""

import pytest

from pba.errors import StoreUnavailable
from pba.store import Store
from pba.types import Event
from tests.store.builders import NOW_S, START_S

KINDS = [("x", "b"), ("x", "a"), ("y", None), ("x", "b")]


@pytest.fixture
def log(store: Store) -> Store:
    store.add_events(
        [
            Event(kind, START_S + second, link_id, {"second": second})
            for second, (kind, link_id) in enumerate(KINDS)
        ]
    )
    return store


def seconds(events: list[Event]) -> list[int]:
    return [event.body["second"] for event in events]


def test_events_are_read_in_pages_newest_first(log: Store):
    first = log.events(count=3)
    assert seconds(first) == [3, 2, 1]
    assert seconds(log.events(before=first[-1].number, count=3)) == [0]


def test_events_are_filtered_by_kind_and_link(log: Store):
    assert seconds(log.events("x")) == [3, 1, 0]
    assert seconds(log.events("x", "b")) == [3, 0]
    assert seconds(log.events(link_id="a")) == [1]


def test_each_link_has_one_newest_event_in_the_order_of_names(log: Store):
    events = log.newest_link_events("x")
    assert [event.link_id for event in events] == ["a", "b"]
    assert seconds(events) == [1, 3]


def test_a_check_for_free_space_leaves_no_event(log: Store):
    log.check_writable()
    assert len(log.events()) == len(KINDS)


def test_a_read_only_database_fails_the_check(tmp_path):
    path = tmp_path / "pba.db"
    Store(f"sqlite:///{path}", lambda: NOW_S).ready().close()
    store = Store(f"sqlite:///file:{path}?mode=ro&uri=true", lambda: NOW_S)
    with pytest.raises(StoreUnavailable, match="readonly"):
        store.check_writable()
