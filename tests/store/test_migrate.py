"""The migrations lead to the tables in the code, also in several stores at once."""

import fcntl
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from pba.store import Store, migrations
from pba.store.engine import connect
from pba.store.migrations.versions import v1_first
from pba.store.tables import metadata
from tests.store.builders import NOW_S

MIGRATIONS = Path(migrations.__file__).parent


def test_the_migrations_lead_to_the_tables_in_the_code(store: Store):
    with store._database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
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
    assert store.summary()["overall"]["latency_ms"]["max"] == 2.0
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
