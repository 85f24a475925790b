"""How many bytes does a loop take? `python -m benchmarks.bytes_a_loop [LINKS] [STORE]`

STORE is sqlite or postgresql, by default one after the other.

A loop is a sample, a forecast from it and its six outcomes: points and means. Links report every
ten seconds by a clock that runs ahead, for four times the retention of samples, and are scored and
tidied as by a Monitor. The retentions are scaled down: 3 hours of samples and 45 minutes of
forecasts, as 30 and 7.5 days. So a partition is 4.5 minutes long, and tidying comes twice in that
time. With fewer links or longer steps, what each partition has beside its rows and the forecasts
that are still open (60 of each link, in pages with room for their updates) weigh more than with
real retentions.

PostgreSQL vacuums by itself; since its clock is not ahead, it looks every second instead of every
minute. Sizes are those of tables and indexes, free pages within them included.
"""

import contextlib
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psycopg

from pba.errors import StoreUnavailable
from pba.monitoring.scorer import Scorer
from pba.store import SampleReport, Store, StoredForecast, WriteBatch
from tests.support.postgres import postgresql

LINKS = 200
STEP_S, DAY_S = 10.0, 86_400.0
SAMPLES_S, FORECASTS_S = 3 * 3600.0, 45 * 60.0
RETENTIONS, LOOKS = 4, 2  # looks in each retention
TIDY_STEPS = 12
START_S = 1.7e9

COUNTS = {
    "samples": "(SELECT count(*) FROM samples)",
    "forecasts": "(SELECT count(*) FROM open_forecasts) + (SELECT count(*) FROM forecast_log)",
}

Sizes = dict[str, int]
"""Bytes and rows by kind: ``samples``, ``forecasts``, ``other``."""


class Fleet:
    """Links that report to a store and ask it to keep their forecasts, by a clock of their own."""

    def __init__(self, url: str, links: int) -> None:
        self.now_s = START_S
        days = SAMPLES_S / DAY_S, FORECASTS_S / DAY_S
        self.store = Store(url, lambda: self.now_s, days[0], forecast_retention_days=days[1])
        self._scorer = Scorer(self.store.ready())
        self._names = [f"site-{number}.uplink" for number in range(links)]
        self._random = np.random.default_rng(0)

    def run(self, seconds: float) -> None:
        """Report, forecast, score and tidy for some time."""
        for step in range(round(seconds / STEP_S)):
            self.now_s += STEP_S
            telemetry = self._random.lognormal(3, 0.1, (len(self._names), 1, 5))
            telemetry[..., 2] /= 1e3
            reports = [
                SampleReport(name, np.array([self.now_s]), rows)
                for name, rows in zip(self._names, telemetry, strict=True)
            ]
            rates_mbps = telemetry[:, 0, 0].tolist()
            forecasts = list(map(self._forecast, self._names, rates_mbps))
            self.store.write(WriteBatch(reports, forecasts))
            with contextlib.suppress(StoreUnavailable):  # a Monitor that was stopped tries again
                self._monitor(tidy=step % TIDY_STEPS == 0)
        self.store.tidy()

    def _monitor(self, tidy: bool) -> None:
        while self._scorer.score_due().full:
            pass
        self.store.jobs.fold(100_000)
        for queue in self.store.jobs.mode_queues(100):  # a Monitor's watch keeps its state
            self.store.jobs.write_mode_state(queue, queue.state or b"", [])
        if tidy:
            self.store.tidy()

    def _forecast(self, name: str, mbps: float) -> StoredForecast:
        points = [mbps * (1.0 + 0.01 * target) for target in range(6)]  # horizons, intervals
        prediction = {
            "points_mbps": points,
            "confidence": [0.8, 0.7, 0.6] * 2,
            "unadapted": [0.9, 0.8, 0.7] * 2,
            "quantiles_mbps": [[mbps * share / 10 for share in range(7, 14)]] * 6,
            "members": {member: points[:3] for member in ("model", "ewma", "last_value")},
        }
        created_s = self.now_s + self._random.random()
        return StoredForecast(
            name, self.now_s, created_s, "internet", "model", "a", STEP_S, 2.0, prediction
        )


def main() -> None:
    links = int(sys.argv[1]) if len(sys.argv) > 1 else LINKS
    print("| store | retentions | bytes a sample | a forecast | a loop | all else, kB | rows |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    stores = sys.argv[2:] or ["sqlite", "postgresql"]
    if "sqlite" in stores:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pba.db"
            report("SQLite", f"sqlite:///{path}", links, lambda: sqlite_sizes(path))
    if "postgresql" in stores:
        _report_postgresql(links)


def _report_postgresql(links: int) -> None:
    with postgresql() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET autovacuum_naptime = 1")
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        report("PostgreSQL", server.url, links, lambda: postgresql_sizes(server.url))


def report(name: str, url: str, links: int, sizes: Callable[[], tuple[Sizes, Sizes]]) -> None:
    """Print a row for each look at a store."""
    fleet = Fleet(url, links)
    with closing(fleet.store):
        for retentions, (size, rows) in looks(fleet, sizes):
            sample, forecast = (size[kind] / rows[kind] for kind in ("samples", "forecasts"))
            print(
                f"| {name} | {retentions} | {sample:.0f} | {forecast:.0f} | "
                f"{sample + forecast:.0f} | {size['other'] / 1e3:.0f} | "
                f"{rows['samples']} samples, {rows['forecasts']} forecasts |",
                flush=True,
            )


def looks(
    fleet: Fleet, sizes: Callable[[], tuple[Sizes, Sizes]]
) -> Iterator[tuple[float, tuple[Sizes, Sizes]]]:
    """Run a fleet for the retentions; yield after how many of them, and the sizes."""
    for look in range(1, RETENTIONS * LOOKS + 1):
        fleet.run(SAMPLES_S / LOOKS)
        yield look / LOOKS, sizes()


def sqlite_sizes(path: Path) -> tuple[Sizes, Sizes]:
    """Return bytes and rows by kind; pages that are free belong to all else."""
    with closing(sqlite3.connect(path)) as file:
        size = {"samples": 0, "forecasts": 0, "other": 0}
        tables = "dbstat JOIN sqlite_schema USING (name)"
        for table, count in file.execute(f"SELECT tbl_name, pgsize FROM {tables}"):
            size[kind_of(table)] += count
        (free,) = file.execute("PRAGMA freelist_count").fetchone()
        (page,) = file.execute("PRAGMA page_size").fetchone()
        size["other"] += free * page
        return size, {
            kind: file.execute(f"SELECT {count}").fetchone()[0] for kind, count in COUNTS.items()
        }


def postgresql_sizes(url: str) -> tuple[Sizes, Sizes]:
    """Return bytes of tables with their indexes, and rows, by kind."""
    with psycopg.connect(url) as connection:
        size = {"samples": 0, "forecasts": 0, "other": 0}
        query = (
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for table, count in connection.execute(query):
            size[kind_of(table)] += count
        rows = {}
        for kind, count_rows in COUNTS.items():
            row = connection.execute(f"SELECT {count_rows}").fetchone()
            rows[kind] = row[0] if row else 0
        return size, rows


def kind_of(table: str) -> str:
    """Return what a table or partition holds."""
    if table.startswith("samples"):
        return "samples"
    return "forecasts" if table.startswith(("forecast_log", "open_forecasts")) else "other"


if __name__ == "__main__":
    main()
