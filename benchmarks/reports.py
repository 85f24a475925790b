"""What do reports cost over a million forecasts? `python -m benchmarks.reports [FORECASTS]`

A store on SQLite, and one on PostgreSQL, is filled by statements: 100 000 links, a week of sums by
minute and hour in all their keys, deltas that are not added yet, 1 000 open alarms among 200 000
events. Then each report is read. CPU is that of this process and of the database's processes that
serve its connections.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, text

from pba.forecasting.link_record import LinkRecord
from pba.monitoring.drift_watch import open_alarms
from pba.scoring.forecast_body import pack
from pba.store import Store
from pba.store.aggregate_tables import aggregate_deltas, aggregates, minute_aggregates
from pba.store.report_tables import (
    HOUR_US,
    PAIR_SUMS,
    hour_pair_aggregates,
    latency_deltas,
    minute_latencies,
    pair_aggregates,
    pair_deltas,
)
from tests.support.postgres import postgresql

NOW_S, MINUTE_US = 1_800_000_000, 60_000_000
LINKS, ALARMS, EVENTS, DELTAS, DUE = 100_000, 1_000, 200_000, 2_000, 1_000
WEEK = 7 * 1440  # minutes
PART = 50_000
TIMES = 20
PREDICTION = {
    "points_mbps": [50.0] * 3,
    "confidence": [0.8] * 3,
    "unadapted": [0.8] * 3,
    "quantiles_mbps": [[40.0, 42.0, 45.0, 50.0, 55.0, 58.0, 60.0]] * 3,
    "members": {"model": [50.0] * 3, "ewma": [50.0] * 3},
}
CHANGE = {"what": "level", "before": 1.0, "after": 2.0, "flagged_s": 1.0, "confidence": 1.0}
ALARM = {"stage": "opened", "opened_s": 1.0, "changes": [CHANGE | {"since_s": 1.0}]}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"| CPU ms over {count} forecasts, fastest of {TIMES} | {' | '.join(CALLS)} |")
    print(f"| --- {'| --- ' * len(CALLS)}|")
    with tempfile.TemporaryDirectory() as folder:
        print(line("SQLite", f"sqlite:///{folder}/pba.db", count), flush=True)
    with postgresql() as server:
        print(line("PostgreSQL", server.url, count), flush=True)


def line(name: str, url: str, count: int) -> str:
    """Return the row of the table of one store."""
    store = Store(url, lambda: float(NOW_S)).ready()
    fill(store, count)
    store.jobs.count_links()
    times_ms = [f"{milliseconds(call, store):.1f}" for call in CALLS.values()]
    store.close()
    return f"| {name} | {' | '.join(times_ms)} |"


CALLS: dict[str, Callable[[Store], Any]] = {
    "`/v1/metrics`": lambda store: store.summary(),
    "`/v1/rollout`, a day": lambda store: store.compare(NOW_S - 86_400),
    "a week": lambda store: store.compare(0.0),
    "`/v1/drift`": open_alarms,
    "alarms for retraining": lambda store: store.newest_link_events("drift"),
    "history of a link": lambda store: store.history("l000001", 0.0, 2.0 * NOW_S, 1000),
}


def milliseconds(call: Callable[[Store], Any], store: Store) -> float:
    """Return the least CPU time of a call: what it costs where nothing else runs."""
    call(store)
    servers = store._database.read(server_processes)
    times_s = []
    for _ in range(TIMES):
        started_s = cpu_s(servers)
        call(store)
        times_s.append(cpu_s(servers) - started_s)
    return min(times_s) * 1000


def server_processes(connection: Connection) -> list[int]:
    """Return PostgreSQL's processes that serve connections, all of this benchmark."""
    if connection.dialect.name == "sqlite":
        return []
    query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
    return list(connection.execute(text(query)).scalars())


def cpu_s(servers: list[int]) -> float:
    """Return the CPU time that this process and ``servers`` have taken, seconds."""
    # In nanoseconds, where /proc/PID/stat counts hundredths of a second.
    ran_ns = (int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in servers)
    return time.process_time() + sum(ran_ns) / 1e9


def fill(store: Store, count: int) -> None:
    """Insert all rows; PostgreSQL looks at them afterwards, as autovacuum does."""
    for statement, parameters in statements(count):
        store._database.write(lambda c, s=statement, p=parameters: c.execute(numbered(c, s), p))
    for table, rows in sums():
        for part in range(0, len(rows), PART // 10):  # a transaction may take no longer than 10 s
            some = rows[part : part + PART // 10]
            store._database.write(lambda c, t=table, r=some: c.execute(t.insert(), r))
    store._database.write(analyze)


def analyze(connection: Connection) -> None:
    connection.execute(text("ANALYZE"))


def numbered(connection: Connection, statement: str) -> Any:
    """Return an INSERT from the numbers ``n`` from 1 to ``:count``, in the database's words."""
    if connection.dialect.name == "postgresql":
        source = "(SELECT generate_series AS n FROM generate_series(1, :count)) AS numbers"
        return text(statement.replace("NUMBERS", source).replace("NAME", "lpad(n::text, 6, '0')"))
    recursion = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < :count)"
    source = f"({recursion} SELECT n FROM r) AS numbers"
    return text(statement.replace("NUMBERS", source).replace("NAME", "printf('%06d', n)"))


def statements(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield statements and their parameters."""
    record = LinkRecord.from_json(None).to_bytes()
    yield "INSERT INTO versions (id, name) SELECT n, 'internet-' || n FROM NUMBERS", {"count": 9}
    yield (
        "INSERT INTO links (id, link_id, mode, switches, newest_us, heard_us) "
        "SELECT n, 'l' || NAME, 'internet', n % 3, 1, 1 FROM NUMBERS",
        {"count": LINKS},
    )
    yield (
        "INSERT INTO link_records (link, body, alarm) SELECT n, :body, n % :every = 0 FROM NUMBERS",
        {"count": LINKS, "body": record, "every": LINKS // ALARMS},
    )
    body = json.dumps(ALARM | {"since_s": 1.0, "ended_s": None})
    for _ in range(EVENTS // LINKS):
        yield (
            "INSERT INTO events (at_us, kind, link_id, body) "
            "SELECT n, 'drift', 'l' || NAME, :body FROM NUMBERS",
            {"count": LINKS, "body": body},
        )
    yield "INSERT INTO due_links (link, since_us) SELECT n, n FROM NUMBERS", {"count": DUE}
    columns = "link, after_us, arm, version, created_us, mode, source, served, step_s, "
    for part in range(0, count, PART):  # a statement may take no longer than 10 s
        yield (
            f"INSERT INTO forecast_log ({columns} took_ms, body) SELECT 1 + n % :links, n + :first,"
            " 1, 1, n, 1, 0, :yes, 1, 2, :body FROM NUMBERS",
            {"count": min(PART, count - part), "links": LINKS // 100, "first": part}
            | {"body": pack(PREDICTION), "yes": True},
        )


def sums() -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Yield the sums of a week by minute, those of all time, and deltas."""
    start_us = NOW_S * 1_000_000 - WEEK * MINUTE_US
    ones = dict.fromkeys(
        (column.name for column in aggregate_deltas.c if str(column.type) == "FLOAT"), 1.0
    )
    keys = list(_keys())
    took = {"forecasts": 3.0, "took_ms": 6.0, "most_ms": 3.0}
    minutes = [start_us + minute * MINUTE_US for minute in range(WEEK)]
    yield (
        aggregates,
        [
            {"mode": "internet", "source": "model", "version": f"internet-{number}"}
            | {"arm": "v3", "served": True, "steps": steps, "newest_us": minutes[-1]}
            | dict.fromkeys(ones, 1.0)
            for number in range(50)
            for steps in (1, 5, 15)
        ],
    )
    yield minute_aggregates, [{"minute_us": at} | key | ones for at in minutes for key in keys]
    yield from _pairs(minutes)
    yield (
        minute_latencies,
        [
            {"minute_us": at, "mode": m, "bin": place} | took
            for at in minutes
            for m in range(3)
            for place in range(70, 90)
        ],
    )
    at = minutes[-1]
    yield aggregate_deltas, [{"minute_us": at} | keys[n % len(keys)] | ones for n in range(DELTAS)]
    yield (
        latency_deltas,
        [{"minute_us": at, "mode": n % 3, "bin": 70 + n % 20} | took for n in range(DELTAS)],
    )


def _pairs(minutes: list[int]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Yield the sums over pairs by minute and by hour, and deltas of the last minute."""
    one, sixty = (dict.fromkeys(PAIR_SUMS, value) for value in (1.0, 60.0))
    hours = sorted({at // HOUR_US * HOUR_US for at in minutes})
    modes = range(3)
    yield pair_aggregates, [{"from_us": at, "mode": m} | one for at in minutes for m in modes]
    yield hour_pair_aggregates, [{"hour_us": at, "mode": m} | sixty for at in hours for m in modes]
    yield pair_deltas, [{"from_us": minutes[-1], "mode": n % 3} | one for n in range(DELTAS)]


def _keys() -> Iterator[dict[str, Any]]:
    for mode, arm, steps in product(range(3), range(2), (1, 5, 15)):
        key = {"mode": mode, "source": 0, "arm": arm, "steps": steps}
        yield key | {"version": 1, "served": arm == 1}


if __name__ == "__main__":
    main()
