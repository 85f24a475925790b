import pytest
from sqlalchemy import text

from pba.errors import NotFound, StoreUnavailable
from pba.security import Role, Scope, new_key
from pba.store import Store
from pba.store.engine import transaction
from tests.store.builders import NOW_S


def test_keys_come_back_as_they_were_stored_the_oldest_first(store: Store):
    records = [
        new_key("b", Role.ADMIN, NOW_S)[0],
        new_key("a", Role.REPORTER, NOW_S + 1, Scope(("fra1:*", "x")), NOW_S + 90)[0],
    ]
    for record in reversed(records):
        store.keys.add(record)
    assert store.keys.records() == records


def test_a_revoked_key_stays_listed_and_keeps_the_first_time(store: Store):
    record = new_key("a", Role.READER, NOW_S - 10)[0]
    store.keys.add(record)
    store.keys.revoke(record.key_id, NOW_S - 5)
    store.keys.revoke(record.key_id)
    assert store.keys.records() == [record.revoked(NOW_S - 5)]


def test_a_key_whose_end_is_still_to_come_can_be_revoked_at_once(store: Store):
    record = new_key("a", Role.READER, NOW_S - 10)[0]
    store.keys.add(record)
    store.keys.revoke(record.key_id, NOW_S + 500)
    store.keys.revoke(record.key_id)
    assert store.keys.records() == [record.revoked(NOW_S)]


def test_a_rotated_key_ends_later_and_its_successor_is_there(store: Store):
    old, new = (new_key("a", Role.READER, NOW_S + at)[0] for at in (0, 1))
    store.keys.add(old)
    store.keys.rotate(old.key_id, new, NOW_S + 60)
    assert store.keys.records() == [old.revoked(NOW_S + 60), new]


def test_a_key_that_does_not_exist_is_neither_revoked_nor_rotated(store: Store):
    with pytest.raises(NotFound, match="pba keys list"):
        store.keys.revoke("0" * 16)
    with pytest.raises(NotFound, match="pba keys list"):
        store.keys.rotate("0" * 16, new_key("a", Role.READER, NOW_S)[0], NOW_S)
    assert store.keys.records() == []


def test_a_row_of_another_release_makes_the_keys_unknown_not_fewer(store: Store):
    store.keys.add(new_key("a", Role.READER, NOW_S)[0])
    with transaction(store._database.engine, writes=True) as connection:
        connection.execute(text("UPDATE access_keys SET role = 'root'"))
    with pytest.raises(StoreUnavailable, match="table access_keys"):
        store.keys.records()
