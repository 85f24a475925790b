"""A schema that is not this release's is named, on either database, and so is a file's refusal."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect

from pba.errors import RowsRefused, StoreUnavailable
from pba.security import Author
from pba.store import Store
from pba.store.engine import connect, transaction
from pba.store.tables import metadata
from tests.store.builders import NOW_S, sample_report, write


@pytest.fixture
def foreign(empty_url: str) -> Iterator[tuple[Store, Engine]]:
    """Return a store on an empty database, and an engine for another program's statements."""
    store, engine = Store(empty_url, lambda: NOW_S), connect(empty_url)
    yield store, engine
    store.close()
    engine.dispose()


@pytest.mark.parametrize(
    ("statements", "why", "removal"),
    [
        (
            [
                "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
                "INSERT INTO alembic_version VALUES ('v999')",
            ],
            "its schema is at 'v999', and this release knows v1, v2",
            "DROP TABLE alembic_version",
        ),
        (
            ["CREATE TABLE alembic_version (other integer)"],
            "version_num",
            "DROP TABLE alembic_version",
        ),
        (["CREATE TABLE links (x integer)"], "links", "DROP TABLE links"),
    ],
)
def test_a_schema_of_a_newer_release_or_another_program(
    foreign: tuple[Store, Engine], statements: list[str], why: str, removal: str
):
    store, other = foreign
    now_s = 0.0
    store.schema._clock = lambda: now_s
    run(other, *statements)
    for call in (store.ready, store.flags):
        with pytest.raises(StoreUnavailable, match="the telemetry store is away: ") as error:
            call()
        assert why in str(error.value)
    with other.connect() as connection, connection.begin():
        assert set(inspect(connection).get_table_names()) <= {"alembic_version", "links"}
    run(other, removal)
    now_s = 10.0
    write(store.ready(), sample_report("a", 0, 3))


def run(engine: Engine, *statements: str) -> None:
    with transaction(engine, writes=True) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_database_that_is_emptied_while_it_runs_gets_its_tables_again(
    foreign: tuple[Store, Engine],
):
    store, other = foreign
    write(store.ready(), sample_report("a", 0, 3))
    tables = [*metadata.tables, "alembic_version", "schema_version"]
    run(other, *(f"DROP TABLE {name}" for name in tables))
    with pytest.raises(StoreUnavailable, match="links"):
        store.links(None, "", 1)
    write(store.ready(), sample_report("a", 0, 3))


def test_a_schema_that_has_been_checked_is_not_locked_or_written(url: str):
    first, second = Store(url, lambda: NOW_S).ready(), Store(url, lambda: NOW_S)
    with transaction(first._database.engine, writes=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7221433)")
        assert second.ready().links(None, "", 1) == []
    first.close()
    second.close()


def test_rows_that_a_changed_table_refuses_are_named(store: Store, url: str):
    engine = connect(url)
    column = "ALTER TABLE links ADD COLUMN extra integer NOT NULL"
    trigger = "CREATE TRIGGER t AFTER INSERT ON links BEGIN SELECT RAISE(ABORT, 'no extra'); END"
    run(engine, trigger if engine.dialect.name == "sqlite" else column)
    engine.dispose()
    with pytest.raises(RowsRefused, match=r"refuses what is written: .*extra"):
        write(store, sample_report("b", 0, 1))


def test_flags_that_this_release_cannot_read_are_named(store: Store, url: str):
    store.change_flags({"shadow": True}, 0, Author("anna", "operator"))
    engine = connect(url)
    run(engine, 'UPDATE flags SET body = \'{"v3_rollout_percentage": "all"}\'')
    with pytest.raises(StoreUnavailable, match="its flags cannot be read"):
        store.flags()
    run(engine, "DELETE FROM flags")
    engine.dispose()
    assert store.flags().version == 0


def test_a_place_where_no_file_can_be_created(tmp_path: Path):
    path = tmp_path / "data"
    path.touch()  # where a folder is needed; root may write into any folder
    store = Store(f"sqlite:///{path}/pba.db", lambda: NOW_S)
    with pytest.raises(StoreUnavailable, match=r"away: \[Errno"):
        store.ready()
    path.unlink()
    store.schema._clock = lambda: time.monotonic() + 10
    write(store.ready(), sample_report("a", 0, 3))
    store.close()


def test_what_a_read_only_file_holds_is_still_read(tmp_path: Path):
    path = tmp_path / "pba.db"
    with closing(Store(f"sqlite:///{path}", lambda: NOW_S)) as store:
        write(store.ready(), sample_report("a", 0, 3))
    with closing(Store(f"sqlite:///file:{path}?mode=ro&uri=true", lambda: NOW_S)) as store:
        assert len(store.ready().link_contexts(["a"])["a"].history) == 3
        with pytest.raises(StoreUnavailable, match="readonly"):
            write(store, sample_report("a", 3, 1))
