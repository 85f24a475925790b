"""Writers lock links in one order, so that none of them is the victim of a deadlock."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg

from pba.store import Receipt, Store
from tests.store.builders import NOW_S, sample_report, stored_forecast, write
from tests.support.waiting import wait_until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
OLD = [f"a{number:03}" for number in range(600)]  # more than 500, which once were locked together
NEW = [f"z{number}" for number in range(20)]


def test_routers_that_create_the_same_links_at_once_all_get_their_turn(server: str):
    """A long batch waits in the middle of its links, and a short one creates some of the others."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    stores = [Store(server, lambda: NOW_S).ready() for _ in range(2)]
    write(stores[0], *(sample_report(name, 0, 1) for name in OLD))

    def report(store: Store, names: Sequence[str]) -> list[Receipt]:
        return write(store, *(sample_report(name, 1, 2) for name in names))

    with (
        psycopg.connect(server, autocommit=True) as look,
        psycopg.connect(server) as holder,
        ThreadPoolExecutor(2) as threads,
    ):
        holder.execute("SELECT FROM links WHERE link_id = %s FOR UPDATE", [OLD[300]])
        long = threads.submit(report, stores[0], [*OLD, *NEW])
        wait_until(lambda: look.execute(WAITING).fetchone() == (1,))
        short = threads.submit(report, stores[1], [*NEW, *OLD[:20]])
        wait_until(lambda: look.execute(WAITING).fetchone() == (2,))
        holder.rollback()
        receipts = long.result(30) + short.result(30)
    assert sum(receipt.accepted for receipt in receipts) == 2 * len(OLD + NEW)
    for store in stores:
        store.close()


def test_forecasts_wait_for_no_writer_of_samples(server: str):
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    store = Store(server, lambda: NOW_S).ready()
    write(store, sample_report("a", 0, 3), sample_report("b", 0, 3))
    with psycopg.connect(server) as writer:
        writer.execute("SELECT FROM links WHERE link_id = 'a' FOR NO KEY UPDATE")
        write(store, forecasts=[stored_forecast("a", 2)])
        assert writer.execute("SELECT count(*) FROM open_forecasts").fetchone() == (1,)
    store.close()
