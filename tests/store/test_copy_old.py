"""Rows of the release before are moved to the new tables once, while its replicas go on."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, insert, select

from pba.forecasting.link_record import LinkRecord
from pba.scoring.forecast_body import unpack
from pba.store import Store
from pba.store.engine import transaction
from pba.store.old_tables import old_forecasts, old_outcomes, old_records
from pba.store.tables import due_links, forecasts, links, open_forecasts, records
from tests.store.builders import NOW_S, START_S, sample_report, settle, stored_forecast, write

PREDICTION = stored_forecast("a", 0).prediction


def add_old(store: Store, link: int, after: int, scored: bool = False, version: str = "v1") -> None:
    """Insert a forecast as the release before does, and its outcomes if it is scored."""
    row = {
        "link": link,
        "after_us": round((START_S + after) * 1e6),
        "made_us": round(NOW_S * 1e6),
        "mode": "internet",
        "source": "model",
        "version": version,
        "step_s": 1.0,
        "took_ms": 2.0,
        "said": json.dumps(PREDICTION),
        "open": not scored,
    }
    with transaction(store._database.engine, writes=True) as connection:
        query = insert(old_forecasts).returning(old_forecasts.c.id)
        key = connection.execute(query, [row]).scalar_one()
        if scored:
            outcome = {"forecast": key, "link": link, "forecast_mbps": 50.0, "confidence": 0.5}
            outcome |= {"at_us": row["after_us"] + 1}
            connection.execute(
                insert(old_outcomes),
                [
                    outcome
                    | {"steps": steps, "at_us": row["after_us"] + steps, "actual_mbps": mbps}
                    for steps, mbps in ((1, 51.0), (5, 52.0), (15, 53.0))
                ],
            )


def key_of(store: Store, link_id: str) -> int:
    with store._database.engine.connect() as connection:
        return connection.execute(select(links.c.id).where(links.c.link_id == link_id)).scalar_one()


def count(store: Store, table: object) -> int:
    with store._database.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def copy_all(store: Store) -> None:
    while store.old_rows.copy_some():
        pass


def test_scored_and_open_forecasts_are_moved_with_their_actuals(store: Store):
    write(store, sample_report("a", 0, 80))
    link = key_of(store, "a")
    add_old(store, link, 10, scored=True)
    add_old(store, link, 20)
    copy_all(store)
    assert [count(store, table) for table in (old_forecasts, old_outcomes)] == [0, 0]
    with store._database.engine.connect() as connection:
        scored = connection.execute(select(forecasts)).one()
        unscored = connection.execute(select(open_forecasts)).one()
    assert (scored.actual_1_mbps, scored.actual_15_mbps) == (51.0, 53.0)
    assert unscored.actual_1_mbps is None
    assert unpack(unscored.body)["points_mbps"] == PREDICTION["points_mbps"]
    assert sorted(outcome.steps for outcome in settle(store)) == [1, 5, 15], "the open one, once"
    assert settle(store) == []


def test_a_silent_links_forecasts_are_moved_and_cost_one_look(store: Store):
    write(store, sample_report("a", 0, 80))
    add_old(store, key_of(store, "a"), 79)
    copy_all(store)
    assert settle(store) == []
    assert count(store, due_links) == 0


def test_records_are_moved(store: Store):
    write(store, sample_report("a", 0, 3))
    record = LinkRecord.from_json(None)
    with transaction(store._database.engine, writes=True) as connection:
        text = record.to_json()
        connection.execute(insert(old_records), [{"link": key_of(store, "a"), "body": text}])
        connection.execute(insert(old_records), [{"link": 99, "body": text}])
    copy_all(store)
    assert count(store, old_records) == 0
    with store._database.engine.connect() as connection:
        rows = connection.execute(select(records)).all()
    assert [(row.link, row.generation) for row in rows] == [(key_of(store, "a"), 0)]
    assert LinkRecord.from_bytes(rows[0].body).scored == record.scored


def test_forecasts_of_deleted_links_are_dropped(store: Store):
    add_old(store, 99, 10, scored=True)
    copy_all(store)
    tables = (old_forecasts, old_outcomes, forecasts, open_forecasts)
    assert [count(store, table) for table in tables] == [0, 0, 0, 0]


def test_what_changed_after_it_was_read_is_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    write(store, sample_report("a", 0, 80))
    add_old(store, key_of(store, "a"), 10)
    write_all = store._database.write

    def write_late(*inputs: object) -> object:
        monkeypatch.setattr(store._database, "write", write_all)
        with transaction(store._database.engine, writes=True) as connection:
            connection.execute(old_forecasts.update().values(open=False))
        return write_all(*inputs)

    monkeypatch.setattr(store._database, "write", write_late)
    assert store.old_rows.copy_some()
    assert count(store, old_forecasts) == 1, "the transaction is undone"
    copy_all(store)
    assert [count(store, table) for table in (open_forecasts, forecasts)] == [0, 1]


def test_what_old_replicas_write_meanwhile_is_moved_too_and_nothing_twice(store: Store):
    write(store, *(sample_report(name, 0, 80) for name in "abc"))
    keys = [key_of(store, name) for name in "abc"]
    stop = threading.Event()

    def write_old() -> int:
        for number in range(60):
            add_old(store, keys[number % 3], number // 3, version=f"x{number % 2}")
            time.sleep(0.002)
        stop.set()
        return 60

    def copy() -> None:
        while not stop.is_set() or count(store, old_forecasts):
            store.old_rows.copy_some()

    with ThreadPoolExecutor(3) as threads:
        written = threads.submit(write_old)
        for copier in [threads.submit(copy) for _ in range(2)]:
            copier.result(120)
    assert count(store, open_forecasts) == written.result()
    assert count(store, old_forecasts) == 0


def test_batches_shrink_when_they_take_long(store: Store):
    write(store, sample_report("a", 0, 80))
    link = key_of(store, "a")
    for after in range(30):
        add_old(store, link, after)
    ticks = iter([0.0, 1.0, 1.0, 1.001])
    store.old_rows._timer = lambda: next(ticks)
    paused: list[float] = []
    store.old_rows._pause = paused.append
    store.old_rows.copy_some()
    assert store.old_rows._count == 10
    assert count(store, open_forecasts) == 30
    add_old(store, link, 40)
    store.old_rows.copy_some()
    assert store.old_rows._count == 20
    assert paused == [1.0, pytest.approx(0.001)], "others write as long"


def test_time_that_a_batch_waits_for_other_writers_is_not_its_own(store: Store):
    write(store, sample_report("a", 0, 80))
    add_old(store, key_of(store, "a"), 10)
    now_s, paused, write_all = [0.0], [], store._database.write

    def write_late(work: Callable[[Connection], None]) -> None:
        now_s[0] += 1.0
        write_all(work)

    store.old_rows._timer = lambda: now_s[0]
    store.old_rows._pause = paused.append
    store._database.write = write_late
    store.old_rows.copy_some()
    assert count(store, old_forecasts) == 0
    assert store.old_rows._count == 200, "the next batch is larger"
    assert paused == [pytest.approx(0.0, abs=1e-3)]
