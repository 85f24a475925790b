"""The audit: one row a change, in its transaction, in a chain that shows what was altered since."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from pba.errors import Conflict, NotFound, StoreUnavailable
from pba.security import EVERYTHING, LOCAL, Author, Role, new_key
from pba.security.audit_chain import AuditEntry
from pba.security.identity import Identity
from pba.store import Store
from pba.store.access_tables import audit, audit_chain
from pba.store.engine import transaction
from pba.types import Event
from tests.store.builders import NOW_S, sample_report, write

ANNA = Author("anna", "operator", "boris", "0123456789abcdef")
DAY_S = 86_400.0


def record(store: Store, *subjects: str) -> None:
    for subject in subjects:
        store.add_events([Event("x", NOW_S, None, {})], [AuditEntry(ANNA, "tested", subject)])


def run(store: Store, statement: Any) -> None:
    with transaction(store._database.engine, writes=True) as connection:
        connection.execute(statement)


def test_every_change_writes_one_row(store: Store):
    write(store, sample_report("a", 0, 3))
    store.change_flags({"shadow": True}, 0, ANNA)
    store.delete("a", ANNA)
    keys = store.keys.by(ANNA)
    first, second = (new_key("ci", Role.READER, NOW_S)[0] for _ in range(2))
    keys.add(first)
    keys.rotate(first.key_id, second, NOW_S + 60)
    keys.revoke(second.key_id)
    store.add_events([Event("model_promoted", NOW_S, None, {})], [AuditEntry(ANNA, "x", "v1")])
    rows = store.audit.rows()[::-1]
    assert [(row.number, row.action, row.subject) for row in rows] == [
        (1, "flags_changed", "flags"),
        (2, "link_deleted", "a"),
        (3, "key_created", first.key_id),
        (4, "key_rotated", first.key_id),
        (5, "key_revoked", second.key_id),
        (6, "x", "v1"),
    ]
    for row in rows:
        assert (row.who, row.role, row.on_behalf_of) == ("anna", "operator", "boris")
        assert row.at_us == NOW_S * 1e6
        assert row.as_dict()["details"]["key_id"] == ANNA.key_id
    assert rows[0].as_dict()["details"]["changed"] == {"shadow": {"before": False, "after": True}}
    assert first.sha256 not in str(rows)
    assert store.audit.verify().rows == 6


def test_what_did_not_happen_is_not_recorded(store: Store):
    with pytest.raises(NotFound):
        store.delete("nothing", ANNA)
    with pytest.raises(Conflict):
        store.change_flags({"shadow": True}, 7, ANNA)
    with pytest.raises(NotFound):
        store.keys.revoke("0" * 16)
    with pytest.raises(NotFound):
        store.keys.rotate("0" * 16, new_key("a", Role.READER, NOW_S)[0], NOW_S)
    assert store.audit.rows() == []
    assert store.audit.verify().broken is None


def test_a_change_that_cannot_be_recorded_does_not_happen(store: Store):
    run(store, delete(audit_chain))
    with pytest.raises(StoreUnavailable, match="audit_chain"):
        store.change_flags({"shadow": True}, 0, ANNA)
    assert store.flags().version == 0
    assert store.events() == []


CHANGES: dict[str, Callable[[str], Any]] = {
    "text": lambda column: update(audit).values({column: "altered"}),
    "number": lambda column: update(audit).values({column: audit.c[column] + 1}),
}


@pytest.mark.parametrize("column", [column.name for column in audit.columns])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_changed_value_is_noticed_at_its_row(store: Store, column: str, place: int):
    record(store, "a", "b", "c")
    change = CHANGES["number" if column in ("id", "at_us") else "text"](column)
    if column == "id":
        change = update(audit).values(id=place + 10)
    run(store, change.where(audit.c.id == place))
    result = store.audit.verify()
    expected = place if column != "id" else (place + 1 if place < 3 else 13)
    assert (result.broken, result.rows) == (expected, place - 1)


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_removed_row_is_noticed(store: Store, place: int):
    record(store, "a", "b", "c")
    run(store, delete(audit).where(audit.c.id == place))
    result = store.audit.verify()
    assert result.broken == min(place + 1, 3)
    assert "missing" in result.fault


@pytest.mark.parametrize("number", [0, 4, 9])
def test_an_inserted_row_is_noticed(store: Store, number: int):
    record(store, "a", "b", "c")
    with transaction(store._database.engine, writes=True) as connection:
        row = dict(connection.execute(select(audit).where(audit.c.id == 3)).mappings().one())
        connection.execute(insert(audit), [{**row, "id": number}])
    assert store.audit.verify().broken == number


def test_old_rows_are_trimmed_and_the_rest_still_follows(url: str):
    now_s = NOW_S
    with closing(Store(url, lambda: now_s, 1000.0, audit_retention_days=10.0)) as store:
        store.add_events([], [AuditEntry(ANNA, "tested", str(number)) for number in range(450)])
        old = store.audit.verify()
        now_s += 11 * DAY_S
        record(store, "new")
        store.tidy()
        (row,) = store.audit.rows()
        assert (row.number, row.subject, row.previous) == (451, "new", old.digest)
        assert (store.audit.verify().rows, store.audit.verify().broken) == (1, None)
        assert store.audit.has(old.digest)
        record(store, "newer")
        run(store, delete(audit).where(audit.c.subject == "new"))
        assert store.audit.verify().broken == 452
        now_s += 20 * DAY_S
        store.tidy()
        assert store.audit.rows() == []
        assert store.audit.verify().broken is None


def test_a_trimmed_row_that_comes_back_is_noticed(url: str):
    now_s = NOW_S
    with closing(Store(url, lambda: now_s, audit_retention_days=1.0)) as store:
        record(store, "a", "b")
        (_, first) = store.audit.rows()
        now_s += 2 * DAY_S
        record(store, "c")
        store.tidy()
        row = first.as_dict()
        run(store, text("UPDATE audit SET id = 1 WHERE id = 3"))
        assert row["number"] == store.audit.verify().broken == 1


@pytest.fixture
def stores(url: str) -> Iterator[list[Store]]:
    opened = [Store(url, lambda: NOW_S).ready() for _ in range(4)]
    yield opened
    for store in opened:
        store.close()


def test_writers_at_once_make_one_chain(stores: list[Store]):
    def work(store: Store) -> None:
        for number in range(10):
            record(store, str(number))
            assert store.audit.verify().broken is None

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, stores))
    result = stores[0].audit.verify()
    assert (result.rows, result.last, result.broken) == (40, 40, None)


def test_without_a_key_the_author_is_local(store: Store):
    write(store, sample_report("a", 0, 3))
    store.delete("a")
    (row,) = store.audit.rows()
    assert (row.who, row.role, row.on_behalf_of, row.details) == (*LOCAL_FIELDS, "{}")


LOCAL_FIELDS = (LOCAL.who, LOCAL.role, None)


def test_the_name_in_a_token_may_be_longer_than_the_audit_has_room_for(store: Store):
    caller = Identity(f"oidc:{'k' * 200}", Role.OPERATOR, EVERYTHING)
    author = caller.author("p" * 500)
    assert store.change_flags({"shadow": True}, 0, author).changed_by == author.who
    (row,) = store.audit.rows()
    assert (row.who, row.on_behalf_of) == (f"oidc:{'k' * 195}", "p" * 100)
