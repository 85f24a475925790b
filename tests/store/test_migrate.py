"""The migrations lead to the tables in the code, also in several stores at once."""

import fcntl
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import delete, select, text

from pba.errors import StoreUnavailable
from pba.monitoring.verdict_job import VerdictJob
from pba.store import Store, migrations
from pba.store.engine import connect, transaction
from pba.store.migrations.versions import v1_first, v2_arms, v3_compact, v4_keys, v5_access
from pba.store.tables import links, metadata
from pba.store.verdict_tables import verdict_blocks
from tests.store.builders import NOW_S, sample_report, write
from tests.store.deltas import rows_of

MIGRATIONS = Path(migrations.__file__).parent
NOT_IN_THE_CODE = ("samples_", "forecast_log_", "schema_version")  # partitions, and Alembic's own


def test_the_migrations_lead_to_the_tables_in_the_code(store: Store):
    with store._database.engine.connect() as connection:
        options = {"include_object": lambda _, name, *rest: not name.startswith(NOT_IN_THE_CODE)}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_rows_of_the_first_schema_belong_to_v3_and_count_as_served(tmp_path: Path):
    path = tmp_path / "pba.db"
    with connect(f"sqlite:///{path}").connect() as connection, connection.begin():
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            v1_first.upgrade()
        context.stamp(ScriptDirectory(str(MIGRATIONS)), "v1")
    old = sqlite3.connect(path)
    old.execute(
        "INSERT INTO forecasts (link, after_us, made_us, mode, source, version, step_s, took_ms,"
        " said) VALUES (1, 2, 3, 'internet', 'model', 'x', 1.0, 2.0, '{}')"
    )
    old.execute(
        'INSERT INTO tallies (mode, source, version, steps, scored, hits, "over")'
        " VALUES ('internet', 'model', 'x', 1, 4, 3, 1)"
    )
    old.commit()
    old.close()
    store = Store(f"sqlite:///{path}", lambda: NOW_S).ready()
    (row,) = store.summary()["versions"]
    assert (row["arm"], row["served"], row["scored"]) == ("v3", True, 4)
    assert (row["accuracy_20"], row["missed_over"]) == (0.75, 0.25)
    store.close()


def test_a_file_is_not_opened_while_another_process_creates_it(tmp_path: Path):
    path = tmp_path / "pba.db"
    store = Store(f"sqlite:///{path}", lambda: NOW_S)
    with Path(f"{path}.lock").open("w") as lock, ThreadPoolExecutor(1) as thread:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = thread.submit(store.ready)
        time.sleep(0.3)
        assert not path.exists(), "SQLite does not wait for who changes its journal"
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert ready.result(10).links(None, "", 1) == []
    store.close()


def test_stores_of_one_process_can_be_created_at_once(tmp_path: Path):
    stores = [Store(f"sqlite:///{tmp_path}/{number}.db", lambda: NOW_S) for number in range(8)]
    with ThreadPoolExecutor(len(stores)) as threads:
        ready = list(threads.map(Store.ready, stores))
    assert [store.links(None, "", 1) for store in ready] == [[]] * 8
    for store in stores:
        store.close()


def test_replicas_of_the_release_before_may_start_beside_the_new_ones(store: Store):
    with store._database.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [
            ("v2",)
        ]


def test_a_newer_schema_that_serves_this_release_is_used_as_it_is(store: Store, url: str):
    with transaction(store._database.engine, writes=True) as connection:
        own = connection.execute(text("SELECT version_num FROM schema_version")).scalar_one()
        connection.execute(text("UPDATE schema_version SET version_num = 'later'"))
        connection.execute(text("INSERT INTO schema_releases VALUES ('later')"))
    with closing(Store(url, lambda: NOW_S)) as second:
        write(second.ready(), sample_report("a", 0, 3))
    with transaction(store._database.engine, writes=True) as connection:
        connection.execute(text("DELETE FROM schema_releases WHERE revision = :own"), {"own": own})
    with (
        closing(Store(url, lambda: NOW_S)) as third,
        pytest.raises(StoreUnavailable, match="its schema is at 'later'"),
    ):
        third.ready()


def test_replicas_that_cannot_read_the_packed_forms_of_today_refuse_the_schema(store: Store):
    with store._database.engine.connect() as connection:
        names = set(connection.execute(text("SELECT revision FROM schema_releases")).scalars())
    assert names == {"v7", "v8", "v9", "v10", "v11", "v12", "v13"}


def test_a_deleted_links_key_is_not_given_to_another(store: Store):
    write(store, sample_report("a", 0, 3))
    with transaction(store._database.engine, writes=True) as connection:
        before = connection.execute(delete(links).returning(links.c.id)).scalar_one()
    write(store, sample_report("b", 0, 3))
    with store._database.engine.connect() as connection:
        assert connection.execute(select(links.c.id)).scalar_one() > before


def test_samples_of_the_release_before_are_still_there(empty_url: str):
    engine = connect(empty_url)
    with transaction(engine, writes=True) as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            v1_first.upgrade()
            v2_arms.upgrade()
        context.stamp(ScriptDirectory(str(MIGRATIONS)), "v2")
        connection.execute(
            text(
                "INSERT INTO links (link_id, mode, newest_us, heard_us)"
                " VALUES ('a', 'internet', 2000000, 3000000)"
            )
        )
        connection.execute(
            text("INSERT INTO samples (link, at_us, bandwidth_mbps) VALUES (1, 2000000, 7.5)")
        )
    engine.dispose()
    with closing(Store(empty_url, lambda: NOW_S)) as store:
        history = store.ready().link_contexts(["a"])["a"].history
        assert history.telemetry[:, 0].tolist() == [7.5]


def test_a_comparison_that_the_release_before_has_begun_goes_on_in_blocks_from_now(empty_url: str):
    engine = connect(empty_url)
    with transaction(engine, writes=True) as connection:
        options = {"version_table": "schema_version"}
        context = MigrationContext.configure(connection, opts=options)
        with Operations.context(context):
            for version in (v1_first, v2_arms, v3_compact, v4_keys, v5_access):
                version.upgrade()
        context.stamp(ScriptDirectory(str(MIGRATIONS)), "v5")
        MigrationContext.configure(connection).stamp(ScriptDirectory(str(MIGRATIONS)), "v2")
        connection.execute(
            text(
                "INSERT INTO flags (id, version, changed_us, changed_by, body)"
                " VALUES (1, 4, 1000000, 'anna', '{}')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO pair_deltas (from_us, mode, pairs, v3_only) VALUES (1000000, 1, 9, 9)"
            )
        )
    engine.dispose()
    now_s = [NOW_S]
    with closing(Store(empty_url, lambda: now_s[0])) as store:
        assert store.ready().compare()["overall"]["pairs"] == 9
        VerdictJob(store).run()
        now_s[0] += 1800.0
        with transaction(store._database.engine, writes=True) as connection:
            connection.execute(
                text(
                    "INSERT INTO pair_deltas (from_us, mode, pairs, v3_only) VALUES"
                    " (2000000, 1, 5, 2)"
                )
            )
        VerdictJob(store).run()
        blocks = store.compare()["overall"]
        assert (blocks["pairs"], blocks["blocks"], blocks["verdict"]) == (14, 1, "undecided")
        nets = [row["net"] for row in rows_of(store, verdict_blocks)]
        assert nets == [9, 11], "what was there at the first look is no block"


def test_replicas_of_the_revision_before_write_samples_without_marks(store: Store):
    write(store, sample_report("a", 0, 3))
    with transaction(store._database.engine, writes=True) as connection:
        link = connection.execute(select(links.c.id)).scalar_one()
        columns = "link, at_us, bandwidth_mbps, latency_ms, packet_loss, jitter_ms, throughput_mbps"
        values = f"{link}, {round(NOW_S * 1e6)}, 5.0, NULL, NULL, NULL, NULL"
        connection.execute(text(f"INSERT INTO samples ({columns}) VALUES ({values})"))
    samples, _ = store.history("a", 0, 9e9, 100)
    assert len(samples) == 4
    assert samples.during_transfer is None
