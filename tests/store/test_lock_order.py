"""Writers lock links in one order, so that none of them is the victim of a deadlock."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from pba.store import Store
from pba.store.engine import transaction
from pba.store.statements import lock_links
from tests.store.builders import NOW_S, sample_report, stored_forecast, write
from tests.support.waiting import wait_until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def test_samples_and_forecasts_of_one_batch_are_locked_together(server: str):
    store = Store(server, lambda: NOW_S).ready()
    write(store, sample_report("a", 0, 3), sample_report("b", 0, 3))
    with (
        psycopg.connect(server, autocommit=True) as look,
        ThreadPoolExecutor(1) as thread,
        transaction(store._database.engine, writes=True) as scorer,
    ):
        lock_links(scorer, ["a"])
        batch = thread.submit(
            write, store, sample_report("b", 3, 1), forecasts=[stored_forecast("a", 2)]
        )
        wait_until(lambda: look.execute(WAITING).fetchone() == (1,), 5)
        lock_links(scorer, ["b"])
        scorer.commit()
        assert batch.result(10)[0].accepted == 1
    store.close()
