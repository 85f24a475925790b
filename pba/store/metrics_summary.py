"""Accuracy over all outcomes, latency of the newest forecasts, and how far scoring is behind.

All of it is read from sums. Deltas that are not added to these yet count too, in the same
statement: so a report is never behind scoring, and nothing is missed or counted twice while others
add them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, Select, func, or_, select, union_all

from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.latency_sums import latency_percentile
from pba.store.aggregate_fold import coded_names
from pba.store.aggregate_tables import aggregate_deltas, aggregates
from pba.store.due_links import backlog
from pba.store.link_counts import link_counts
from pba.store.report_tables import latency_deltas, minute_latencies
from pba.store.tables import versions
from pba.store.transfer_scores import transfer_summary
from pba.types import INTERVALS

__all__ = ["accuracy", "latency", "summary"]

_NEWEST = 10_000
_MAX_BINS = 3000  # rows of `minute_latencies`: an hour or more
_NAMES = ("mode", "source", "version", "arm", "served")
_SUMS = [
    column.name for column in aggregates.c if not column.primary_key and column.name != "newest_us"
]

_Row = Mapping[str, Any]


def summary(connection: Connection, now_us: int) -> dict[str, Any]:
    """Return the body of `GET /v1/metrics`: overall, by mode, and by model version.

    Accuracy, bias and coverage are over all forecasts one step ahead that were ever scored, and in
    ``intervals``, by their steps, over those of the mean over so many steps. Latency is that of the
    newest minutes that have 10 000 served forecasts whose first step is scored, from reading the
    samples to the finished forecast. Forecasts that were computed only to compare arms count in
    ``versions`` alone.

    Parameters
    ----------
    now_us
        The time of the service's clock: how long links have waited to be scored.
    """
    all_rows = _outcome_sums(connection)
    served = [row for row in all_rows if row["served"]]
    latencies = _latencies(connection)
    modes = sorted({row["mode"] for row in served} | {row["mode"] for row in latencies})
    links, switches = link_counts(connection)
    return {
        "links": links,
        "mode_switches": switches,
        "scoring": _backlog(connection, now_us),
        "transfers": transfer_summary(connection),
        "overall": _summary(served, latencies),
        "modes": {
            mode: _summary(
                [row for row in served if row["mode"] == mode],
                [row for row in latencies if row["mode"] == mode],
            )
            for mode in modes
        },
        "versions": [
            {name: row[name] for name in _NAMES} | accuracy([row])
            for row in all_rows
            if row["steps"] == 1
        ],
    }


def _outcome_sums(connection: Connection) -> list[dict[str, Any]]:
    """Return the sums over all outcomes one step ahead and of intervals, by `_NAMES` and steps.

    They are in the order of these.
    """
    old = select(*(aggregates.c[name] for name in (*_NAMES, "steps", *_SUMS)))
    deltas = aggregate_deltas.c
    new = select(
        coded_names(MODES, deltas.mode),
        coded_names(SOURCES, deltas.source),
        versions.c.name,
        coded_names(ARMS, deltas.arm),
        deltas.served,
        deltas.steps,
        *(deltas[name] for name in _SUMS),
    ).join(versions, versions.c.id == deltas.version)
    both = union_all(
        old.where(or_(aggregates.c.steps == 1, aggregates.c.steps < 0)),
        new.where(or_(deltas.steps == 1, deltas.steps < 0)),
    ).subquery()
    keys = [both.c[name] for name in (*_NAMES, "steps")]
    sums = [func.sum(both.c[name]).label(name) for name in _SUMS]
    rows = connection.execute(select(*keys, *sums).group_by(*keys)).mappings()
    return sorted(map(dict, rows), key=lambda row: [row[name] for name in (*_NAMES, "steps")])


def _latencies(connection: Connection) -> list[dict[str, Any]]:
    """Return the latencies of the newest minutes with enough forecasts, by mode and bin."""
    columns = [column.name for column in minute_latencies.c]
    old = select(*(minute_latencies.c[name] for name in columns))
    newest = old.order_by(minute_latencies.c.minute_us.desc()).limit(_MAX_BINS).subquery()
    new = select(*(latency_deltas.c[name] for name in columns))
    both = union_all(select(newest), new).cte("both_sums")
    query = select(
        coded_names(MODES, both.c.mode).label("mode"),
        both.c.bin,
        func.sum(both.c.forecasts).label("forecasts"),
        func.sum(both.c.took_ms).label("took_ms"),
        func.max(both.c.most_ms).label("most_ms"),
    )
    query = query.where(both.c.minute_us.in_(_newest_minutes(both)))
    query = query.group_by(both.c.mode, both.c.bin).order_by(both.c.bin)
    return [dict(row) for row in connection.execute(query).mappings()]


def _newest_minutes(sums: FromClause) -> Select[int]:
    """Return the query of the minutes after which there are not `_NEWEST` forecasts yet."""
    by_minute = select(sums.c.minute_us, func.sum(sums.c.forecasts).label("forecasts"))
    minutes = by_minute.group_by(sums.c.minute_us).subquery()
    so_far = func.sum(minutes.c.forecasts).over(order_by=minutes.c.minute_us.desc())
    after = select(minutes.c.minute_us, (so_far - minutes.c.forecasts).label("later")).subquery()
    return select(after.c.minute_us).where(after.c.later < _NEWEST)


def _backlog(connection: Connection, now_us: int) -> dict[str, Any]:
    count, oldest_us = backlog(connection)
    age_s = None if oldest_us is None else max(0.0, (now_us - oldest_us) / 1e6)
    return {"due": count, "oldest_due_s": age_s}


def _summary(rows: Sequence[_Row], latencies: Sequence[_Row]) -> dict[str, Any]:
    points = [row for row in rows if row["steps"] == 1]
    means = {steps: [row for row in rows if row["steps"] == -steps] for steps in INTERVALS}
    intervals = {str(steps): accuracy(own) for steps, own in means.items() if own}
    return accuracy(points) | {"intervals": intervals, "latency_ms": latency(latencies)}


def accuracy(rows: Sequence[_Row]) -> dict[str, Any]:
    """Return shares and means over rows of sums; None where nothing was scored."""
    scored = sum(row["scored"] for row in rows)

    def mean(name: str) -> float | None:
        return sum(row[name] for row in rows) / scored if scored else None

    return {
        "scored": int(scored),
        "accuracy_20": mean("hits"),
        "confidence": mean("confidence"),
        "missed_over": mean("over"),
        "missed_under": mean("under"),
        "coverage_50": mean("covered_50"),
        "coverage_90": mean("covered_90"),
        "bias_mbps": mean("error_mbps"),
        "mae_mbps": mean("absolute_error_mbps"),
    }


def latency(rows: Sequence[_Row]) -> dict[str, float] | None:
    """Return the latency over rows of sums by bins, None without any."""
    if not rows:
        return None
    return {
        "avg": sum(row["took_ms"] for row in rows) / sum(row["forecasts"] for row in rows),
        "p95": latency_percentile(rows, 95.0),
        "max": max(row["most_ms"] for row in rows),
    }
