"""A schema that cannot be checked is checked again, with pauses, and holds up nobody."""

import threading

import pytest

from pba.errors import StoreUnavailable
from pba.store.schema_check import SchemaCheck


class Database:
    """A database whose schema cannot be checked while `failure` is set."""

    def __init__(self) -> None:
        self.failure: str | None = "gone"
        self.checks = 0
        self.now_s = 0.0

    def check(self) -> None:
        self.checks += 1
        if self.failure is not None:
            raise StoreUnavailable(self.failure)


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def schema(database: Database) -> SchemaCheck:
    return SchemaCheck(database.check, lambda: database.now_s)


def test_a_schema_that_passed_is_not_checked_again_until_it_is_doubted(
    database: Database, schema: SchemaCheck
):
    database.failure = None
    for _ in range(3):
        schema.ensure()
    assert database.checks == 1
    schema.invalidate()
    schema.ensure()
    assert database.checks == 2


def test_calls_in_a_pause_fail_with_the_last_cause_and_the_next_one_recovers(
    database: Database, schema: SchemaCheck
):
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="gone"):
            schema.ensure()
    assert database.checks == 1
    database.now_s, database.failure = 0.5, "refused"
    with pytest.raises(StoreUnavailable, match="refused"):
        schema.ensure()
    database.now_s, database.failure = 1.4, None
    with pytest.raises(StoreUnavailable, match="refused"):
        schema.ensure()  # the second pause is twice as long
    database.now_s = 1.5
    schema.ensure()
    assert database.checks == 3


def test_pauses_grow_to_five_seconds(database: Database, schema: SchemaCheck):
    checked_s = []
    for tick in range(400):
        database.now_s = tick / 10
        before = database.checks
        with pytest.raises(StoreUnavailable):
            schema.ensure()
        if database.checks > before:
            checked_s.append(database.now_s)
    assert checked_s[:6] == pytest.approx([0, 0.5, 1.5, 3.5, 7.5, 12.5])


def test_a_check_that_hangs_holds_up_only_those_that_know_no_cause_yet():
    entered, proceed = threading.Event(), threading.Event()
    results: list[str] = ["gone"]

    def check() -> None:
        if results:
            raise StoreUnavailable(results.pop())
        entered.set()
        assert proceed.wait(10)

    schema = SchemaCheck(check, lambda: now_s)
    now_s = 0.0
    with pytest.raises(StoreUnavailable):
        schema.ensure()
    now_s = 9.0
    hanging = threading.Thread(target=schema.ensure)
    hanging.start()
    assert entered.wait(10)
    with pytest.raises(StoreUnavailable, match="gone"):
        schema.ensure()
    proceed.set()
    hanging.join(10)
    schema.ensure()


def test_threads_that_start_together_check_once():
    checks = []
    schema = SchemaCheck(lambda: checks.append(1))
    threads = [threading.Thread(target=schema.ensure) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(checks) == 1
