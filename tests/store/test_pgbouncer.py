"""The store behind PgBouncer in transaction mode: each transaction on any server connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pba.store import Store
from tests.store.builders import NOW_S, sample_report, settle, stored_forecast, write
from tests.support.pgbouncer import PROGRAM, pgbouncer

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="PgBouncer is not installed (apt-get install pgbouncer)"
)

THREADS, ROUNDS = 8, 12


@pytest.fixture
def pooled(server: str) -> Iterator[str]:
    """Yield the URL of an emptied database through PgBouncer."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    with pgbouncer(server) as url:
        yield url


def test_stores_share_few_server_connections_without_an_error(pooled: str):
    stores = [Store(pooled, lambda: NOW_S) for _ in range(2)]

    def control(number: int) -> None:
        store, link_id = stores[number % 2], f"link{number}"
        for step in range(ROUNDS):
            forecasts = [stored_forecast(link_id, step * 5)]
            write(store.ready(), sample_report(link_id, step * 5, 5), forecasts=forecasts)
            assert len(store.link_contexts([link_id])[link_id].history) == min(60, step * 5 + 5)
            settle(store)
            store.flags()
        assert store.link(link_id).newest_s == 1e9 + ROUNDS * 5 - 1

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(control, range(THREADS)))
    assert stores[0].summary()["overall"]["scored"] >= THREADS * (ROUNDS - 3)
    for store in stores:
        store.tidy()
        store.close()


def test_another_clients_session_settings_do_not_matter(pooled: str, server: str):
    store = Store(pooled, lambda: NOW_S).ready()
    write(store, sample_report("a", 0, 60))
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=None) as other:
        for _ in range(6):  # on whichever server connection
            other.execute("SET statement_timeout = '300ms'")
    with ThreadPoolExecutor(1) as thread, psycopg.connect(server) as holder:
        holder.execute("SELECT FROM links FOR UPDATE")
        waiting = thread.submit(write, store, sample_report("a", 60, 60))
        holder.execute("SELECT pg_sleep(0.6)")
        assert not waiting.done()
        holder.rollback()
        waiting.result(timeout=60)
    assert len(store.history("a", 0, 9e9, 1000)[0]) == 120
    store.close()
