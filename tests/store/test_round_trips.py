"""How often a call waits for a database far away, and what a dead connection costs it."""

from collections.abc import Iterator

import psycopg
import pytest

from pba.store import Store, WriteBatch
from tests.store.builders import NOW_S, sample_report, stored_forecast, write
from tests.support.database_proxy import DatabaseProxy, database_proxy

Distant = tuple[Store, DatabaseProxy]


@pytest.fixture
def distant(server: str) -> Iterator[Distant]:
    """Yield a store with some samples on a database behind a proxy, and the proxy."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    with database_proxy(server) as (url, proxy):
        store = Store(url, lambda: NOW_S).ready()
        write(store, sample_report("a", 0, 60), forecasts=[stored_forecast("a", 59)])
        yield store, proxy
        store.close()


def test_a_reported_sample_costs_two_round_trips(distant: Distant):
    store, proxy = distant
    for second in range(60, 75):  # with and without a detection of the mode
        before = proxy.round_trips
        assert write(store, sample_report("a", second, 1))[0].accepted == 1
        assert proxy.round_trips - before == len(["read", "write"])


def test_a_new_link_costs_two_round_trips(distant: Distant):
    store, proxy = distant
    before = proxy.round_trips
    assert write(store, sample_report("new", 0, 30))[0].accepted == 30
    assert proxy.round_trips - before == len(["read", "write"])


def test_a_report_with_what_a_forecast_starts_from_costs_two_round_trips(distant: Distant):
    store, proxy = distant
    before = proxy.round_trips
    store.write(WriteBatch([sample_report("a", 60, 1)], with_contexts=True))
    assert proxy.round_trips - before == len(["read", "write"])


def test_a_forecast_by_name_costs_two_round_trips(distant: Distant):
    store, proxy = distant
    before = proxy.round_trips
    assert len(store.link_contexts(["a"])["a"].history) == 60
    write(store, forecasts=[stored_forecast("a", 59, version="v2")])
    assert proxy.round_trips - before == len(["read", "record"])


def test_calls_after_the_connections_have_died_succeed_at_once(distant: Distant):
    store, proxy = distant
    proxy.drop_connections()
    assert write(store, sample_report("a", 60, 1))[0].accepted == 1
    proxy.drop_connections()
    assert len(store.link_contexts(["a"])["a"].history) == 60
    proxy.drop_connections()
    assert store.link("a").newest_s == 1e9 + 60
    proxy.drop_connections()
    write(store, forecasts=[stored_forecast("a", 60)])
    proxy.drop_connections()
    store.add_events([])
    assert store.events(count=1) == []
