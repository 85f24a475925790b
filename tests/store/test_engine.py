"""Failures of a database have one name, and connections keep no state between transactions."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text

from pba.errors import StoreUnavailable
from pba.store import Store
from pba.store.engine import connect, transaction
from tests.store.builders import NOW_S

LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


def test_a_server_that_does_not_respond_is_named(tmp_path: Path):
    store = Store(f"postgresql://nobody@/x?host={tmp_path}", lambda: NOW_S)
    with pytest.raises(StoreUnavailable, match=r"store is away: .*PBA_STORE_URL"):
        store.ready()


def test_a_damaged_file_is_named_and_a_new_one_works(tmp_path: Path):
    damaged = tmp_path / "pba.db"
    damaged.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store(f"sqlite:///{damaged}", lambda: NOW_S).ready()
    damaged.unlink()
    assert Store(f"sqlite:///{damaged}", lambda: NOW_S).ready().links(None, "", 1) == []


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x",
        "postgresql://u@127.0.0.1:1/d",
        "postgresql://u@db:port/d",
        "postgresql://u@127.0.0.1:1/d?sslmode=none",
        f"postgresql://u@{'a' * 100}/d",  # Python refuses the name, with an error of its own
        "sqlite:////proc/no/pba.db",
        "sqlite:////dev/null/pba.db",
        "sqlite:////tmp",
    ],
)
def test_a_database_that_cannot_be_opened_is_a_store_that_is_away(url: str):
    store = Store(url, lambda: NOW_S)
    for call in (store.ready, store.flags, store.summary):
        with pytest.raises(StoreUnavailable, match=r"the telemetry store is away: .*PBA_STORE_URL"):
            call()


@pytest.fixture
def engine(server: str) -> Iterator[Engine]:
    engine = connect(server)
    yield engine
    engine.dispose()


def test_time_limits_hold_inside_a_transaction_only(engine: Engine):
    def limits() -> list[str]:
        return [str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in LIMITS]

    with transaction(engine) as connection:
        assert limits() == ["10s", "5s", "2s"]
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        session = [raw.execute(f"SHOW {name}").fetchone() for name in LIMITS]
        assert session == [("0",), ("0",), ("0",)]
        assert raw.prepare_threshold is None


def test_a_transaction_costs_two_round_trips_beside_its_statements(engine: Engine, tmp_path: Path):
    with transaction(engine) as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
    with (tmp_path / "trace").open("w+") as trace:
        raw.pgconn.trace(trace.fileno())
        with transaction(engine) as connection:
            connection.execute(text("SELECT 'one'"))
        raw.pgconn.untrace()
        trace.seek(0)
        ends = [line for line in trace if "ReadyForQuery" in line]
    assert len(ends) == len(["BEGIN with its limits", "SELECT", "COMMIT"])


def test_what_is_not_committed_is_undone(engine: Engine):
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("CREATE TABLE kept (x int)")

    def fail() -> None:
        with transaction(engine, writes=True) as connection:
            connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    with transaction(engine, writes=True) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 0
        connection.exec_driver_sql("DROP TABLE kept")
