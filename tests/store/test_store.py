"""What is kept, on SQLite and on PostgreSQL alike."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from pba.errors import InvalidInput, NotFound, StoreUnavailable
from pba.store import Receipt, SampleReport, Store, StoredForecast, WriteBatch
from pba.store.tables import metadata
from pba.telemetry.traces import read_traces
from pba.types import NetworkMode
from tests.store.conftest import NOW_S

START_S = 1e9
INTERNET = NetworkMode.INTERNET


def report(
    link_id: str, first: int, count: int, mbps: float = 50.0, rtt_ms: float = np.nan
) -> SampleReport:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0], telemetry[:, 1] = mbps, rtt_ms
    return SampleReport(link_id, START_S + first + np.arange(count), telemetry)


def said(link_id: str, after: int, mbps: float = 50.0, **changed: object) -> StoredForecast:
    held = {
        "points_mbps": [mbps] * 3,
        "confidence": [0.8, 0.7, 0.6],
        "unadapted": [0.9, 0.8, 0.7],
        "quantiles_mbps": [[40.0, 42.0, 45.0, 50.0, 55.0, 58.0, 60.0]] * 3,
        "members": {"model": [mbps] * 3, "ewma": [200.0] * 3},
    }
    kept = StoredForecast(
        link_id, START_S + after, NOW_S, "internet", "model", "v1", 1.0, 2.0, held
    )
    return replace(kept, **changed)  # type: ignore[arg-type]


def write(
    store: Store, *reports: SampleReport, keep: Sequence[StoredForecast] = ()
) -> list[Receipt]:
    return store.write(WriteBatch(reports, keep))


def test_samples_are_stored_once_and_come_back_as_they_were(store: Store):
    given = report("a", 0, 70, rtt_ms=12.5)
    assert write(store, given) == [Receipt(70, 0, 0, 0, INTERNET)]
    assert write(store, given) == [Receipt(0, 70, 0, 0, INTERNET)]
    history = store.link_contexts(["a"])["a"].history
    np.testing.assert_array_equal(history.timestamps_s, given.timestamps_s[-60:])
    np.testing.assert_array_equal(history.telemetry, given.telemetry[-60:])


def test_of_two_samples_at_one_time_the_first_stays(store: Store):
    twice = SampleReport(
        "a", np.array([START_S, START_S]), np.array([[1.0] + [0.5] * 4, [2.0] + [0] * 4])
    )
    assert write(store, twice) == [Receipt(1, 1, 0, 0, INTERNET)]
    write(store, report("a", 0, 2, mbps=9.0))
    assert store.link_contexts(["a"])["a"].history.telemetry[:, 0].tolist() == [1.0, 9.0]


def test_a_batch_of_many_callers_gives_each_its_own_receipt(store: Store):
    write(store, report("a", 0, 10))
    found = write(store, report("a", 5, 10), report("b", 0, 3), report("a", 10, 10))
    assert [(one.accepted, one.duplicates) for one in found] == [(5, 5), (3, 0), (5, 5)]


def test_late_samples_are_told_and_go_where_they_belong(store: Store):
    write(store, report("a", 10, 5))
    (found,) = write(store, report("a", 8, 4))
    assert (found.accepted, found.duplicates, found.late) == (2, 2, 2)
    times = store.link_contexts(["a"])["a"].history.timestamps_s - START_S
    assert times.tolist() == [8, 9, 10, 11, 12, 13, 14]


def test_samples_older_than_the_retention_are_told_and_left_out(store: Store):
    write(store, report("a", 200_000, 2))
    (found,) = write(store, report("a", 0, 3))
    assert (found.accepted, found.expired, found.late) == (0, 3, 0)
    assert len(store.link_contexts(["a"])["a"].history) == 2


def test_a_mode_changes_when_two_checks_ten_seconds_apart_agree(store: Store):
    def modes(first: int, count: int) -> NetworkMode:
        return write(store, report("a", first, count, mbps=5000.0, rtt_ms=1.0))[0].mode

    write(store, report("a", 0, 20))
    assert modes(20, 9) is INTERNET, "not yet time to look again"
    assert modes(29, 4) is INTERNET, "seen once"
    assert modes(33, 9) is INTERNET
    assert modes(42, 4) is NetworkMode.DATACENTER
    (event,) = store.events("mode_switch")
    assert (event.link_id, event.body) == ("a", {"before": "internet", "after": "datacenter"})
    assert store.link("a").mode.switches == 1
    assert store.summary()["mode_switches"] == 1


def test_what_nobody_knows_is_not_found(store: Store):
    assert store.link_contexts(["nobody"]) == {}
    for ask in (store.link, store.delete, lambda name: store.history(name, 0, 9e9, 1)):
        with pytest.raises(NotFound, match="no link is called 'nobody'.*POST"):
            ask("nobody")


def test_links_are_listed_in_pages_and_by_mode(store: Store):
    fast = [report(f"fast{at}", 0, 20, mbps=5000.0) for at in range(3)]
    write(store, *fast, *(report(f"slow{at}", 0, 20) for at in range(3)))
    first = store.links(None, "", 4)
    rest = store.links(None, first[-1].link_id, 4)
    assert [one.link_id for one in first + rest] == sorted(one.link_id for one in first + rest)
    assert len(first + rest) == 6
    found = store.links(NetworkMode.DATACENTER, "", 10)
    assert [one.link_id for one in found] == ["fast0", "fast1", "fast2"]


def test_a_deleted_link_is_gone_with_all_that_was_known_of_it(store: Store):
    write(store, report("a", 0, 80), report("b", 0, 80), keep=[said("a", 60), said("b", 60)])
    store.settle(["a", "b"])
    store.delete("a")
    write(store, report("a", 0, 2))
    assert len(store.link_contexts(["a"])["a"].history) == 2
    assert store.link("a").record.scored == 0
    assert store.history("a", 0, 9e9, 100)[1] == []
    assert store.link("b").record.scored == 1


def test_forecasts_are_scored_once_at_every_horizon(store: Store):
    write(store, report("a", 0, 60))
    write(store, keep=[said("a", 59), said("a", 59), said("a", 59, version="v2")])
    assert store.settle(["a"]) == {"a": ()}
    write(store, report("a", 60, 1, mbps=45.0))
    (first, second) = store.settle(["a"])["a"]
    assert (first.steps, first.actual_mbps, first.hit) == (1, 45.0, True)
    assert {first.forecast.version, second.forecast.version} == {"v1", "v2"}
    assert store.settle(["a"]) == {"a": ()}
    write(store, report("a", 61, 14, mbps=20.0))
    assert store.open_links() == ["a"]
    later = store.settle(["a"])["a"]
    assert sorted((one.steps, one.hit) for one in later) == [(5, False)] * 2 + [(15, False)] * 2
    assert store.open_links() == []
    record = store.link("a").record
    assert (record.scored, record.hits) == (2, 2)
    assert record.reliability[0].expected == pytest.approx(0.9 + 0.9 * 0.998)


def test_nothing_is_said_of_what_lies_behind_a_pause(store: Store):
    write(store, report("a", 0, 62), report("a", 500, 20), keep=[said("a", 59)])
    (outcome,) = store.settle(["a"])["a"]
    assert outcome.steps == 1
    assert store.open_links() == []


def test_sums_outlive_their_rows_and_tell_over_from_under(store: Store):
    write(store, report("a", 0, 60), report("a", 60, 3, mbps=30.0))
    write(store, keep=[said("a", 59), said("a", 60, mbps=20.0), said("a", 61, mbps=30.0)])
    store.settle(["a"])
    write(store, report("a", 200_000, 1))
    store.tidy()
    assert store.history("a", 0, 9e9, 100)[1] == []
    found = store.summary()["overall"]
    assert (found["scored"], found["accuracy_20"]) == (3, pytest.approx(1 / 3))
    assert (found["missed_over"], found["missed_under"]) == (pytest.approx(1 / 3),) * 2
    assert found["mae_mbps"] == pytest.approx(10.0)
    assert found["bias_mbps"] == pytest.approx(10 / 3)
    assert found["coverage_90"] == 0.0


def test_history_gives_samples_with_the_forecasts_made_beside_them(store: Store):
    write(store, report("a", 0, 80), keep=[said("a", 60), said("a", 61)])
    store.settle(["a"])
    samples, made = store.history("a", START_S + 60, START_S + 61, 100)
    assert samples.timestamps_s.tolist() == [START_S + 60, START_S + 61]
    assert [one["after_s"] for one in made] == [START_S + 60, START_S + 61]
    assert made[0]["actual_mbps"] == {1: 50.0, 5: 50.0, 15: 50.0}
    assert len(store.history("a", 0, 9e9, 5)[0]) == 5


def test_old_rows_go_and_silent_links_too(url: str):
    now = [START_S + 100.0]
    store = Store(url, lambda: now[0], retention_days=1.0).ready()
    write(store, report("old", 0, 80), report("new", 0, 80), keep=[said("old", 60)])
    now[0] += 90_000.0
    write(store, report("new", 90_000, 10))
    store.tidy()
    assert [one.link_id for one in store.links(None, "", 10)] == ["new"]
    assert len(store.link_contexts(["new"])["new"].history) == 10
    store.close()


def test_writers_at_once_leave_what_one_would(store: Store, url: str):
    other = Store(url, lambda: NOW_S, retention_days=1.0).ready()
    parts = [[report(f"l{link}", 10 * at, 15) for link in range(5)] for at in range(20)]

    def work(mine: Store, order: Sequence[int]) -> None:
        for at in order:
            write(mine, *(parts[at] if at % 2 else parts[at][::-1]))

    workers = [
        threading.Thread(target=work, args=(mine, order))
        for mine, order in ((store, range(20)), (other, range(19, -1, -1)))
    ]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    for link in range(5):
        samples, _ = store.history(f"l{link}", 0, 9e9, 10_000)
        assert (samples.timestamps_s - START_S).tolist() == list(range(205))
    other.close()


def test_a_second_opening_finds_what_the_first_wrote(store: Store, url: str):
    write(store, report("a", 0, 3))
    again = Store(url, lambda: NOW_S).ready()
    assert len(again.link_contexts(["a"])["a"].history) == 3
    again.close()


def test_a_server_that_is_away_is_named_and_comes_back(tmp_path):
    away = Store(f"postgresql://nobody@/x?host={tmp_path}", lambda: NOW_S)
    with pytest.raises(StoreUnavailable, match=r"store is away: .*PBA_STORE_URL"):
        away.ready()
    broken = tmp_path / "pba.db"
    broken.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store(f"sqlite:///{broken}", lambda: NOW_S).ready()
    broken.unlink()
    assert Store(f"sqlite:///{broken}", lambda: NOW_S).ready().links(None, "", 1) == []


@pytest.mark.parametrize("url", ["mysql://x", "pba.db", "sqlite://", ""])
def test_other_databases_are_refused(url: str):
    with pytest.raises(InvalidInput, match="store_url is .*sqlite:///FILE or postgresql"):
        Store(url, lambda: NOW_S)


def test_the_migrations_lead_to_the_tables_that_the_code_knows(store: Store):
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []


def test_stores_of_one_process_are_made_at_once(tmp_path: Path):
    stores = [Store(f"sqlite:///{tmp_path}/{number}.db", lambda: NOW_S) for number in range(8)]
    with ThreadPoolExecutor(len(stores)) as threads:
        assert [one.links(None, "", 1) for one in threads.map(Store.ready, stores)] == [[]] * 8
    for one in stores:
        one.close()


def test_samples_go_out_as_traces_by_day(store: Store, tmp_path: Path):
    day_s = 86_400 - START_S % 86_400
    write(store, report("a", int(day_s) - 5, 10, rtt_ms=3.0), report("b", int(day_s), 4))
    counts: list[int] = []
    assert store.export(tmp_path / "out", counts.append) == 2
    assert sum(counts) == 14
    first, second = sorted((tmp_path / "out").glob("day=*/samples.parquet"))
    assert first.parent.name == "day=2001-09-09"
    found = {trace.trace_id: trace for trace in read_traces(second)}
    assert {name: len(trace) for name, trace in found.items()} == {"a": 5, "b": 4}
    assert found["a"].telemetry[:, :2].tolist() == [[50.0, 3.0]] * 5
    assert np.isnan(found["b"].telemetry[:, 1:]).all()
    assert len(read_traces(first)[0]) == 5
    assert pq.read_table(second)["mode"].to_pylist() == ["internet"] * 9
