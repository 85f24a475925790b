"""Old rows, silent links and deleted links are removed."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select, text, union_all

from pba.security import Author
from pba.store import Store, report_tables, retention
from pba.store.aggregate_tables import hour_aggregates, minute_aggregates
from pba.store.engine import transaction
from pba.store.tables import forecasts, open_forecasts, pair_results
from pba.types import Event
from tests.store.builders import START_S, sample_report, settle, stored_forecast, write

DAY_S = 86_400


def count_rows(store: Store, table: str) -> int:
    with store._database.engine.connect() as connection:
        return connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def forecast_times(store: Store) -> list[float]:
    """Return the times that the stored forecasts are based on, in Unix seconds."""
    query = union_all(*(select(table.c.after_us) for table in (open_forecasts, forecasts)))
    with store._database.engine.connect() as connection:
        return [at_us / 1e6 for at_us in connection.execute(query).scalars()]


def test_a_deleted_link_is_gone_with_all_its_rows(store: Store):
    stored = [stored_forecast("a", 60), stored_forecast("b", 60)]
    write(store, sample_report("a", 0, 80), sample_report("b", 0, 80), forecasts=stored)
    settle(store)
    store.delete("a")
    write(store, sample_report("a", 0, 2))
    assert len(store.link_contexts(["a"])["a"].history) == 2
    assert store.link("a").record.scored == 0
    assert store.history("a", 0, 9e9, 100)[1] == []
    assert store.link("b").record.scored == 1


def test_old_rows_and_silent_links_are_deleted(url: str):
    now = [START_S + 100.0]
    store = Store(url, lambda: now[0], retention_days=1.0).ready()
    stored = [stored_forecast("old", 60), stored_forecast("new", 60)]
    write(store, sample_report("old", 0, 80), sample_report("new", 0, 90), forecasts=stored)
    store.add_events([Event("old", START_S, None, {}), Event("new", START_S + DAY_S, None, {})])
    now[0] += DAY_S + 1
    write(store, sample_report("new", DAY_S + 75, 10))
    store.tidy()
    assert [link.link_id for link in store.links(None, "", 10)] == ["new"]
    samples = store.history("new", 0, 9e9, 100)[0]
    assert samples.timestamps_s[0] == START_S + 84, "a day before the newest sample"
    assert len(samples) == 16
    assert forecast_times(store) == []
    assert [event.kind for event in store.events()] == ["new"]
    store.close()


def test_more_rows_than_one_transaction_deletes_are_deleted(store: Store):
    write(store, sample_report("a", 0, 12_000), sample_report("b", 0, 10))
    write(store, sample_report("a", 2 * DAY_S, 5))
    store.tidy()
    assert len(store.history("a", 0, 9e9, 20_000)[0]) == 5
    assert len(store.history("b", 0, 9e9, 20_000)[0]) == 10


def test_rows_of_a_deleted_link_are_deleted_in_small_transactions(store: Store):
    closed_and_open = [stored_forecast("a", after) for after in (60, 8999)]
    write(store, sample_report("a", 0, 9000), forecasts=closed_and_open)
    write(store, sample_report("b", 0, 10))
    settle(store)
    store.delete("a")
    assert store.link_contexts(["a"]) == {}
    assert count_rows(store, "samples") == 9010, "its rows are deleted later"
    left = [9010]
    while store._database.write(retention.delete_deleted, 2000):
        left.append(count_rows(store, "samples"))
    assert left[-1] == 10
    assert max(before - after for before, after in itertools.pairwise(left)) <= 2001
    kinds = ("open_forecasts", "forecast_log", "forecasts", "outcomes")
    for table in ("deleted_links", "link_records", "records", *kinds):
        assert count_rows(store, table) == 0


def test_a_link_that_comes_back_while_it_is_deleted_loses_nothing(store: Store):
    """A reporter writes on, while the link is deleted again and again, and its rows with it."""

    def report() -> None:
        for second in range(60):
            write(store, sample_report("a", second, 1), sample_report("b", second, 1))
            time.sleep(0.005)  # SQLite has no queue: a writer that never rests starves others

    with ThreadPoolExecutor(1) as thread:
        reporter = thread.submit(report)
        while not reporter.done():
            if store.link_contexts(["a"]):
                store.delete("a")
            store.tidy()
        reporter.result()
    assert len(store.history("b", 0, 9e9, 10_000)[0]) == 60
    write(store, sample_report("a", 60, 1))
    kept = store.history("a", 0, 9e9, 10_000)[0].timestamps_s - START_S
    assert kept.tolist() == list(range(int(kept[0]), 61)), "all since it came back"


def test_a_silent_link_that_reports_while_it_is_tidied_away_loses_nothing(url: str):
    now = [START_S + 100.0]
    store = Store(url, lambda: now[0], retention_days=1.0).ready()
    names = [f"l{number}" for number in range(50)]
    write(store, *(sample_report(name, 0, 3) for name in names))
    now[0] += 2 * DAY_S
    barrier = threading.Barrier(2)

    def report() -> None:
        barrier.wait(30)
        for name in names:
            write(store, sample_report(name, 2 * DAY_S, 1))

    with ThreadPoolExecutor(1) as thread:
        reporter = thread.submit(report)
        barrier.wait(30)
        store.tidy()
        reporter.result(60)
    store.tidy()
    assert sorted(store.link_contexts(names)) == sorted(names)
    assert all(len(store.history(name, now[0] - 900, 9e9, 9)[0]) == 1 for name in names)
    assert count_rows(store, "deleted_links") == 0
    store.close()


def test_forecasts_have_a_retention_of_their_own(url: str):
    now = [START_S + 100.0]
    store = Store(url, lambda: now[0], 4.0, forecast_retention_days=1.0).ready()
    write(store, sample_report("a", 0, 80), forecasts=[stored_forecast("a", 60)])
    now[0] += 2 * DAY_S
    write(store, sample_report("a", 2 * DAY_S, 3), forecasts=[stored_forecast("a", 2 * DAY_S)])
    store.tidy()
    assert len(store.history("a", 0, 9e9, 100)[0]) == 83
    assert forecast_times(store) == [START_S + 2 * DAY_S]
    store.close()


SUMS_OVER_TIME = (
    (
        "minute_us",
        minute_aggregates,
        report_tables.minute_latencies,
        report_tables.minute_groups,
    ),
    ("hour_us", hour_aggregates, report_tables.hour_latencies, report_tables.hour_groups),
)


def test_sums_by_minute_and_pairs_have_a_retention(url: str):
    now = [START_S + 6 * DAY_S]
    store = Store(url, lambda: now[0], 4.0, forecast_retention_days=1.0).ready()
    store.change_flags({"shadow": True}, 0, Author("anna", "operator"))  # pairs before are not kept
    minutes = [round(START_S + day * DAY_S) * 1_000_000 for day in (0, 3, 5)]
    key = {"mode": 0, "source": 0, "arm": 1, "steps": 1, "version": 1, "served": True}
    pair = {"mode": 0, "v1_hit": True, "v3_hit": True}
    with transaction(store._database.engine, writes=True) as connection:
        for at_us in minutes:
            latency = {"mode": 0, "bin": 1}
            for time, of_outcomes, of_latencies, of_groups in SUMS_OVER_TIME:
                at = {time: at_us}
                connection.execute(of_outcomes.insert(), [key | at])
                connection.execute(of_latencies.insert(), [latency | at])
                connection.execute(of_groups.insert(), [{"name": "g"} | at])
            connection.execute(
                report_tables.pair_aggregates.insert(), [{"from_us": at_us, "mode": 0}]
            )
            times = {"after_us": at_us, "created_us": at_us}
            rows = [pair | times | {"link": link} for link in range(3000)]
            connection.execute(pair_results.insert(), rows)
            hours = [
                {"hour_us": at_us - ago_us, "mode": 0} for ago_us in (1, report_tables.HOUR_US + 1)
            ]
            connection.execute(report_tables.hour_pair_aggregates.insert(), hours)
    now[0] = START_S + 5 * DAY_S
    store.tidy()
    kept = ("minute_aggregates", "minute_latencies", "pair_aggregates", "pair_results")
    assert [count_rows(store, table) for table in kept] == [2, 2, 2, 3000]
    assert count_rows(store, "hour_pair_aggregates") == 4
    for _, *tables in SUMS_OVER_TIME:
        assert [count_rows(store, table.name) for table in tables] == [2, 2, 2]
    now[0] = START_S + 7 * DAY_S + 1.0
    store.tidy()
    assert count_rows(store, "pair_aggregates") == 1
    assert count_rows(store, "hour_pair_aggregates") == 3, "an hour goes with its last minute"
    store.close()


def test_tidying_that_loses_its_lease_ends_and_is_done_by_another(url: str):
    now = [START_S + 100.0]
    store = Store(url, lambda: now[0], 1.0).ready()
    store.add_events([Event("test", START_S, None, {})] * 5000)
    now[0] += 3 * DAY_S
    calls: list[int] = []
    store.tidy(lambda: bool(calls.append(1)))  # never to go on
    assert len(calls) == 1
    assert count_rows(store, "events") == 5000
    store.tidy(lambda: count_rows(store, "events") == 5000)
    assert count_rows(store, "events") == 4000, "the rest is left after one transaction"
    store.tidy()
    assert count_rows(store, "events") == 0
    store.close()
