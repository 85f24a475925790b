"""Events are numbered, read newest first, and filtered by kind and link."""

from pathlib import Path

import pytest
from sqlalchemy import text

from pba.errors import StoreUnavailable
from pba.store import Store, event_log
from pba.store.tables import links, records
from pba.types import Event
from tests.store.builders import NOW_S, START_S, sample_report, write
from tests.store.deltas import append, rows_of

NEWEST_OF_KIND = "SELECT * FROM events WHERE kind = :kind ORDER BY id DESC LIMIT :count"
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


@pytest.fixture
def alarms(log: Store) -> Store:
    """Return the log with links ``a``, ``b`` and ``c``, of which ``b`` has an open alarm."""
    write(log, *(sample_report(name, 0, 1) for name in "abc"))
    keys = {row["link_id"]: row["id"] for row in rows_of(log, links)}
    bodies = [{"link": keys[name], "body": b"", "alarm": name == "b"} for name in "abc"]
    append(log, records, bodies)
    return log


def test_the_newest_event_of_links_with_an_open_alarm(alarms: Store):
    assert seconds(alarms.open_link_alarms("x")) == [3]
    assert alarms.open_link_alarms("y") == []
    assert alarms.open_link_alarms("x", count=0) == []


@pytest.mark.parametrize("statement", [str(event_log._OPEN_ALARMS), NEWEST_OF_KIND])
def test_alarms_are_looked_up_by_index(tmp_path: Path, statement: str):
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: NOW_S).ready()
    plan = store._database.read(
        lambda connection: connection.execute(
            text(f"EXPLAIN QUERY PLAN {statement}"), {"kind": "x", "count": 5}
        ).all()
    )
    steps = [row[3] for row in plan]
    scans = [step for step in steps if step.startswith("SCAN") and "INDEX" not in step]
    assert scans == [], steps
    store.close()


def test_a_check_for_free_space_leaves_no_event(log: Store):
    log.check_writable()
    assert len(log.events()) == len(KINDS)


def test_a_read_only_database_fails_the_check(tmp_path):
    path = tmp_path / "pba.db"
    Store(f"sqlite:///{path}", lambda: NOW_S).ready().close()
    store = Store(f"sqlite:///file:{path}?mode=ro&uri=true", lambda: NOW_S)
    with pytest.raises(StoreUnavailable, match="readonly"):
        store.check_writable()
