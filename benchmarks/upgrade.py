"""What does the upgrade of a large store cost? `python -m benchmarks.upgrade [FORECASTS [SECONDS]]`

The database has the schema of the release before, with forecasts that are scored, and newer ones
that are open. A writer reports a sample every 10 ms while the schema is upgraded and while the rows
are moved; its longest wait is what callers see. Batches of the move are timed, too, from when they
have SQLite's lock. With SECONDS the move is ended after them, and the time of all is extrapolated.
"""

import json
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from pba.errors import StoreUnavailable
from pba.store import Store, migrations
from pba.store.engine import connect, transaction
from pba.store.migrations.versions import v1_first, v2_arms
from tests.store.builders import START_S, stored_forecast
from tests.support.postgres import postgresql

FORECASTS, LINKS = 1_000_000, 1000
OPEN_SHARE = 0.01
PAUSE_S = 0.01
_NUMBERS = {
    "postgresql": "SELECT n FROM generate_series(0, :count - 1) AS n",
    "sqlite": "WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < :count - 1)"
    " SELECT n FROM r",
}


@dataclass
class Writer:
    """Inserts a sample now and then, as any replica does; notes the longest wait."""

    engine: Engine
    longest_s: float = 0.0
    refused: int = 0
    written: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        statement = text(
            "INSERT INTO samples (link, at_us, bandwidth_mbps) VALUES (1, :at_us, 5.0)"
            " ON CONFLICT DO NOTHING"
        )
        while not self._stop.wait(PAUSE_S):
            started_s = time.perf_counter()
            try:
                with transaction(self.engine, writes=True) as connection:
                    at_us = round(START_S * 1e6) + 10**12 + self.written
                    connection.execute(statement, {"at_us": at_us})
                self.written += 1
            except StoreUnavailable:
                self.refused += 1
            self.longest_s = max(self.longest_s, time.perf_counter() - started_s)

    def __enter__(self) -> "Writer":
        self._thread = threading.Thread(target=self.run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FORECASTS
    print(
        "| store | forecasts | upgrade, s | a writer's longest wait, s | move, s | a writer's "
        "longest wait, s | batches over 100 ms | median, ms | refused writes |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    limit_s = float(sys.argv[2]) if len(sys.argv) > 2 else math.inf
    with tempfile.TemporaryDirectory() as folder:
        print(row("SQLite", f"sqlite:///{Path(folder)}/pba.db", count, limit_s), flush=True)
    with postgresql() as server:
        print(row("PostgreSQL", server.url, count, limit_s), flush=True)


def row(name: str, url: str, count: int, limit_s: float) -> str:
    """Return the results of one store as a row in Markdown."""
    engine = connect(url)
    fill(engine, count)
    store = Store(url, lambda: START_S + count / LINKS + 60.0)
    with closing(store), Writer(engine) as during_upgrade:
        started_s = time.perf_counter()
        store.ready()
        upgrade_s = time.perf_counter() - started_s
    store = Store(url, lambda: START_S + count / LINKS + 60.0).ready()
    with closing(store), Writer(engine) as during_move:
        times_s, move_s = move(store, limit_s)
    moved = check(engine, count)
    engine.dispose()
    refused = during_upgrade.refused + during_move.refused
    return (
        f"| {name} | {count} | {upgrade_s:.2f} | {during_upgrade.longest_s:.2f} | "
        f"{move_s * count / moved:.0f} | {during_move.longest_s:.2f} | "
        f"{sum(time_s > 0.1 for time_s in times_s)} of {len(times_s)} | "
        f"{statistics.median(times_s) * 1000:.0f} | {refused} |"
    )


def move(store: Store, limit_s: float) -> tuple[list[float], float]:
    """Move rows for at most ``limit_s``; return the time of each transaction and of all."""
    times_s: list[float] = []
    write, started_s = store._database.write, time.perf_counter()

    def timed(work: Callable[[Connection], None]) -> None:
        begun_s = 0.0

        def begun(connection: Connection) -> None:
            nonlocal begun_s
            begun_s = time.perf_counter()
            work(connection)

        write(begun)
        times_s.append(time.perf_counter() - begun_s)

    store._database.write = timed  # type: ignore[assignment, method-assign]
    while store.old_rows.copy_some() and time.perf_counter() - started_s < limit_s:
        pass
    return times_s, time.perf_counter() - started_s


def fill(engine: Engine, count: int) -> None:
    """Create the schema of the release before, with forecasts of links in turn."""
    with engine.connect() as connection, connection.begin():
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            v1_first.upgrade()
            v2_arms.upgrade()
        context.stamp(ScriptDirectory(str(Path(migrations.__file__).parent)), "v2")
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        numbers = _NUMBERS[engine.dialect.name]
        at_us = f"{round(START_S * 1e6)} + n / {LINKS} * 1000000"
        values = {"count": count, "said": json.dumps(stored_forecast("a", 0).prediction)}
        values |= {"open": round(count * (1 - OPEN_SHARE))}
        last_us = round((START_S + count // LINKS) * 1e6)
        for statement, times in (
            (
                "INSERT INTO links (link_id, mode, newest_us, heard_us) SELECT 'l' || n, "
                f"'internet', {last_us}, {last_us} FROM ({numbers}) AS t",
                {"count": LINKS},
            ),
            (
                "INSERT INTO forecasts (id, link, after_us, made_us, mode, source, version, step_s,"
                f" took_ms, said, open) SELECT n + 1, n % {LINKS} + 1, {at_us}, {at_us},"
                f" 'internet', 'model', 'x', 1.0, 2.0, :said, n >= :open FROM ({numbers}) AS t",
                values,
            ),
            (
                "INSERT INTO outcomes (forecast, steps, link, at_us, forecast_mbps, confidence,"
                f" actual_mbps) SELECT n + 1, steps, n % {LINKS} + 1, {at_us} + steps, 50.0, 0.5,"
                f" 51.0 FROM ({numbers}) AS t, (SELECT 1 AS steps UNION ALL SELECT 5 UNION ALL"
                " SELECT 15) AS h WHERE n < :open",
                {"count": count, "open": values["open"]},
            ),
        ):
            connection.execute(text(statement), times)


def check(engine: Engine, count: int) -> int:
    """Return how many forecasts were moved; raises `RuntimeError` where one is lost or there twice.

    The newest, which are open, are moved first.
    """
    with engine.connect() as connection:
        scored = "actual_1_mbps IS NOT NULL AND actual_15_mbps IS NOT NULL"
        closed = connection.execute(
            text(f"SELECT count(*) FROM forecast_log WHERE {scored}")
        ).scalar_one()
        waiting = connection.execute(text("SELECT count(*) FROM open_forecasts")).scalar_one()
        left = connection.execute(text("SELECT count(*) FROM forecasts")).scalar_one()
    opened = count - round(count * (1 - OPEN_SHARE))
    moved = int(closed + waiting)
    expected = (count - left, max(0, count - left - opened))
    if (moved, closed) != expected:
        raise RuntimeError(f"moved and scored: {(moved, closed)}, expected {expected}")
    return moved


if __name__ == "__main__":
    main()
