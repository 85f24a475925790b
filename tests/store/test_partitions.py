"""Partitions on PostgreSQL are created ahead and dropped when no retention reaches into them."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import text

from pba.store import Store
from pba.store.engine import transaction
from pba.store.partition_job import PartitionJob
from pba.store.partitions import list_partitions
from pba.store.retention import LinkRows
from tests.store.builders import START_S, sample_report, write

DAY_S = 86_400
SAMPLES = LinkRows("samples", "at_us")


class Clock:
    def __init__(self) -> None:
        self.now_s = START_S + 100

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(server: str, clock: Clock) -> Iterator[Store]:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    with closing(Store(server, clock, retention_days=10.0).ready()) as store:
        yield store


def rows_by_partition(store: Store) -> dict[str, int]:
    """Return how many samples are in each partition that has any, by its name."""
    with store._database.engine.connect() as connection:
        query = "SELECT tableoid::regclass::text, count(*) FROM samples GROUP BY 1 ORDER BY 1"
        return {name: count for name, count in connection.execute(text(query))}


def names(store: Store) -> list[str]:
    return [part.name for part in store._database.read(list_partitions, "samples")]


def test_samples_of_now_are_apart_from_old_and_future_ones(store: Store, clock: Clock):
    store.tidy()
    today = f"samples_{int(START_S) // DAY_S * DAY_S}"
    tomorrow = f"samples_{int(START_S) // DAY_S * DAY_S + DAY_S}"
    assert names(store) == ["samples_default", today, tomorrow]
    write(store, sample_report("a", 0, 60), sample_report("old", -300 * DAY_S, 5))
    assert rows_by_partition(store) == {"samples_default": 5, today: 60}
    store.tidy()
    assert names(store) == ["samples_default", today, tomorrow], "nothing is created twice"


def test_a_partition_is_dropped_when_no_link_keeps_its_rows(store: Store, clock: Clock):
    days = []
    for day in range(13):
        clock.now_s = START_S + day * DAY_S + 100
        store.tidy()
        days.append(names(store)[-1])
        write(store, sample_report("a", day * DAY_S, 60))
        if day < 5:  # then it falls silent
            write(store, sample_report("silent", day * DAY_S, 60))
    clock.now_s = START_S + 13.5 * DAY_S
    write(store, sample_report("a", int(13.5 * DAY_S), 1))
    store.tidy()
    assert "samples_999993600" not in names(store), "the first day's"
    samples = store.history("a", 0, 9e9, 10_000)[0].timestamps_s - START_S
    assert samples[0] >= 2 * DAY_S
    assert len(samples) >= 60 * 10 + 1
    assert len(store.history("silent", 0, 9e9, 10_000)[0]) == 300, "its last ten days"
    assert rows_by_partition(store)["samples_default"] == 60 * 3, "moved for the silent link"


def test_rows_of_old_dates_are_deleted_one_by_one(store: Store, clock: Clock):
    store.tidy()
    write(store, sample_report("old", -300 * DAY_S, 5000))
    write(store, sample_report("old", -280 * DAY_S, 10))
    store.tidy()
    assert rows_by_partition(store) == {"samples_default": 10}


def test_a_partition_whose_rows_are_in_the_default_one_is_left_out(store: Store, clock: Clock):
    write(store, sample_report("a", 0, 60))
    store.tidy()
    tomorrow = f"samples_{int(START_S) // DAY_S * DAY_S + DAY_S}"
    assert names(store) == ["samples_default", tomorrow]
    assert rows_by_partition(store) == {"samples_default": 60}
    assert len(store.link_contexts(["a"])["a"].history) == 60


@pytest.mark.parametrize("ahead", [False, True])
def test_a_large_default_partition_is_looked_through_without_a_lock(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch, ahead: bool
):
    monkeypatch.setattr("pba.store.partition_job._LARGE_BYTES", 0)
    write(store, sample_report("a", 0, 60))
    if ahead:
        write(store, sample_report("ahead", 2 * DAY_S, 1))
    store.tidy()
    expected = 0 if ahead else 10
    assert len(names(store)) == 1 + expected, "a whole retention at once, or later"
    write(store, sample_report("b", 3 * DAY_S, 1), sample_report("b", 12 * DAY_S, 1))
    assert len(store.link_contexts(["b"])["b"].history) == 2, "nothing is refused afterwards"


def test_a_range_that_a_dead_process_has_closed_is_opened_again(store: Store, clock: Clock):
    with transaction(store._database.engine, writes=True) as connection:
        closed = "CHECK (at_us < 5) NOT VALID"
        connection.execute(
            text(f"ALTER TABLE samples_default ADD CONSTRAINT ck_range_of_partitions {closed}")
        )
    store.tidy()
    write(store, sample_report("a", -30 * DAY_S, 1))


def test_a_user_who_may_create_nothing_stores_all_in_the_default_partition(
    store: Store, server: str, clock: Clock, caplog: pytest.LogCaptureFixture
):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest LOGIN")
        connection.execute("GRANT USAGE ON SCHEMA public TO guest")
        everything = "SELECT, INSERT, UPDATE, DELETE"
        connection.execute(f"GRANT {everything} ON ALL TABLES IN SCHEMA public TO guest")
        connection.execute("GRANT USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA public TO guest")
    url = store._database.engine.url.set(username="guest").render_as_string(hide_password=False)
    with closing(Store(url, clock, retention_days=10.0)) as guest:
        write(guest.ready(), sample_report("a", 0, 5000))
        write(guest, sample_report("a", 20 * DAY_S, 10))
        guest.tidy()
        guest.tidy()
        assert rows_by_partition(guest) == {"samples_default": 10}
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP OWNED BY guest")
        connection.execute("DROP ROLE guest")
    assert [record.message for record in caplog.records].count("no_partitions") == 1


def test_a_lock_that_others_hold_is_waited_for_shortly(store: Store, clock: Clock):
    write(store, sample_report("a", 0, 1))
    with transaction(store._database.engine) as connection:
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 60000"))
        connection.execute(text("SELECT count(*) FROM samples"))
        store.tidy()
    assert names(store) == ["samples_default"]
    store.tidy()
    assert len(names(store)) == 2
    assert PartitionJob(store._database).create(SAMPLES, 10 * DAY_S * 10**6, int(clock() * 1e6))
