"""Every refusal of a database has one name and a cause, and ends without a restart."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, inspect

from pba.errors import RowsRefused, StoreUnavailable
from pba.store import Store
from pba.store.engine import connect, transaction
from pba.store.tables import metadata
from tests.store.builders import NOW_S, sample_report, write
from tests.support.postgres import require_password

USER, PASSWORD = "lowly", "s3cret"


class Refusing:
    """The emptied database of a server, and a store that reaches it as a user without rights."""

    def __init__(self, admin_url: str) -> None:
        self.admin_url = admin_url
        server = conninfo_to_dict(admin_url)
        self.url = f"postgres://{USER}:{PASSWORD}@/{server['dbname']}?host={server['host']}"
        self.now_s = 0.0
        self.store = Store(self.url, lambda: NOW_S)
        self.store._database._schema._clock = lambda: self.now_s

    def run(self, *statements: str) -> None:
        """Run statements as the database's owner."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def refusal(self) -> str:
        """Return why `Store.ready` fails, after the pause."""
        self.now_s += 10
        with pytest.raises(StoreUnavailable, match="the telemetry store is away: ") as error:
            self.store.ready()
        assert PASSWORD not in str(error.value)
        return str(error.value)

    def recovers(self) -> None:
        """Write and read, after the pause."""
        self.now_s += 10
        write(self.store.ready(), sample_report("a", 0, 3))
        assert len(self.store.link_contexts(["a"])["a"].history) == 3


@pytest.fixture
def refusing(server: str) -> Iterator[Refusing]:
    database = Refusing(server)
    database.run(
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",  # in which, since PostgreSQL 15, only its owner creates tables
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
        f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'",
    )
    yield database
    database.store.close()
    database.run(f"DROP OWNED BY {USER} CASCADE", f"DROP ROLE {USER}")


def test_a_schema_in_which_the_user_may_not_create_tables(refusing: Refusing):
    reason = refusing.refusal()
    assert "permission denied for schema public" in reason
    assert "Grant the user of PBA_STORE_URL" in reason
    refusing.run(f"GRANT CREATE ON SCHEMA public TO {USER}")
    refusing.recovers()


@pytest.mark.parametrize(
    ("lost", "returned", "why"),
    [
        ("REVOKE INSERT, DELETE ON samples FROM {}", "GRANT ALL ON samples TO {}", "on samples"),
        ("REVOKE SELECT ON links FROM {}", "GRANT ALL ON links TO {}", "SELECT on links"),
        ("REVOKE ALL ON flags FROM {}", "GRANT ALL ON flags TO {}", "on flags"),
        (
            "REVOKE ALL ON SEQUENCE links_id_seq FROM {}",
            "GRANT USAGE ON SEQUENCE links_id_seq TO {}",
            "USAGE on public.links_id_seq",
        ),
        (
            "REVOKE USAGE ON SCHEMA public FROM PUBLIC, {}",
            "GRANT USAGE ON SCHEMA public TO {}",
            "",
        ),
        ("ALTER TABLE samples RENAME TO s", "ALTER TABLE s RENAME TO samples", "tables samples"),
    ],
)
def test_rights_that_are_lost_while_it_runs(refusing: Refusing, lost: str, returned: str, why: str):
    Store(refusing.admin_url, lambda: NOW_S).ready().close()
    refusing.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {USER}")
    refusing.run(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {USER}")
    refusing.store.ready()
    refusing.run(lost.format(USER))
    with pytest.raises(StoreUnavailable, match="the telemetry store is away: "):
        write_and_read_flags(refusing.store)
    assert why.lower() in refusing.refusal().lower()
    refusing.run(returned.format(USER))
    refusing.recovers()


def write_and_read_flags(store: Store) -> None:
    store.flags()
    write(store, sample_report("new", 0, 3))


def test_rights_that_are_incomplete_from_the_start(refusing: Refusing):
    Store(refusing.admin_url, lambda: NOW_S).ready().close()
    refusing.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {USER}")
    reason = refusing.refusal()
    assert "INSERT, UPDATE, DELETE ON samples" in reason
    assert "USAGE ON public.links_id_seq" in reason
    refusing.run(
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {USER}",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {USER}",
    )
    refusing.recovers()


@pytest.mark.parametrize(
    ("refuse", "allow", "why"),
    [
        ("ALTER ROLE {} NOLOGIN", "ALTER ROLE {} LOGIN", "not permitted to log in"),
        (
            "ALTER ROLE {} SET default_transaction_read_only = on",
            "ALTER ROLE {} RESET default_transaction_read_only",
            "read-only transaction",
        ),
    ],
)
def test_a_user_that_may_not_log_in_or_create(
    refusing: Refusing, refuse: str, allow: str, why: str
):
    refusing.run(f"GRANT CREATE ON SCHEMA public TO {USER}", refuse.format(USER))
    assert why in refusing.refusal()
    refusing.run(allow.format(USER))
    refusing.store.close()  # a role's settings apply to new connections
    refusing.recovers()


def test_a_wrong_password(refusing: Refusing):
    require_password(refusing.admin_url, USER)
    refusing.run(
        f"GRANT CREATE ON SCHEMA public TO {USER}", f"ALTER ROLE {USER} PASSWORD 'another'"
    )
    assert "password authentication failed" in refusing.refusal()
    refusing.run(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    refusing.recovers()


def test_a_database_that_does_not_exist_yet(server: str):
    missing = conninfo_to_dict(server)["host"]
    store = Store(f"postgresql://postgres@/later?host={missing}", lambda: NOW_S)
    now_s = 0.0
    store._database._schema._clock = lambda: now_s
    with pytest.raises(StoreUnavailable, match='"later" does not exist'):
        store.ready()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE later")
        now_s = 10.0
        assert store.ready().links(None, "", 1) == []
        store.close()
        connection.execute("DROP DATABASE later")


@pytest.fixture
def foreign(url: str) -> Iterator[tuple[Store, Engine]]:
    """Return a store on an empty database, and an engine for another program's statements."""
    store, engine = Store(url, lambda: NOW_S), connect(url)
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
    store._database._schema._clock = lambda: now_s
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
    tables = [*metadata.tables, "alembic_version"]
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
    store.change_flags({"shadow": True}, 0, "anna")
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
    store._database._schema._clock = lambda: time.monotonic() + 10
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
