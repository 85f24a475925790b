"""What does the upgrade of a large store cost? `python -m benchmarks.upgrade [FORECASTS]`

The database has the schema of the release before, with forecasts that are scored, and newer ones
that are open. A writer reports a sample every 10 ms while the schema is upgraded and while the rows
are moved; its longest wait is what callers see. Batches of the move are timed, too.
"""

import json
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

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
        "longest wait, s | batches over 100 ms | refused writes |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        print(row("SQLite", f"sqlite:///{Path(folder)}/pba.db", count), flush=True)
    with postgresql() as server:
        print(row("PostgreSQL", server.url, count), flush=True)


def row(name: str, url: str, count: int) -> str:
    """Return the results of one store as a row in Markdown."""
    engine = connect(url)
    fill(engine, count)
    store = Store(url, lambda: START_S + count / LINKS + 60.0)
    with closing(store), Writer(engine) as during_upgrade:
        started_s = time.perf_counter()
        store.ready()
        upgrade_s = time.perf_counter() - started_s
    store = Store(url, lambda: START_S + count / LINKS + 60.0).ready()
    slow, batches = 0, 0
    with closing(store), Writer(engine) as during_move:
        write, started_s = store._database.write, time.perf_counter()

        def timed(*inputs: object) -> object:
            nonlocal slow, batches
            begun_s = time.perf_counter()
            result: object = write(*inputs)  # type: ignore[arg-type]
            slow += time.perf_counter() - begun_s > 0.1
            batches += 1
            return result

        store._database.write = timed  # type: ignore[assignment, method-assign]
        while store.old_rows.copy_some():
            pass
        move_s = time.perf_counter() - started_s
    check(engine, count)
    engine.dispose()
    refused = during_upgrade.refused + during_move.refused
    return (
        f"| {name} | {count} | {upgrade_s:.2f} | {during_upgrade.longest_s:.2f} | {move_s:.0f} | "
        f"{during_move.longest_s:.2f} | {slow} of {batches} | {refused} |"
    )


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


def check(engine: Engine, count: int) -> None:
    """Check that all forecasts were moved, each once; raises `RuntimeError`."""
    with engine.connect() as connection:
        scored = "actual_1_mbps IS NOT NULL AND actual_15_mbps IS NOT NULL"
        closed = connection.execute(
            text(f"SELECT count(*) FROM forecast_log WHERE {scored}")
        ).scalar_one()
        waiting = connection.execute(text("SELECT count(*) FROM open_forecasts")).scalar_one()
        left = connection.execute(text("SELECT count(*) FROM forecasts")).scalar_one()
    expected = (count, round(count * (1 - OPEN_SHARE)), 0)
    if (closed + waiting, closed, left) != expected:
        raise RuntimeError(
            f"moved, scored, left: {(closed + waiting, closed, left)}, expected {expected}"
        )


if __name__ == "__main__":
    main()
