"""Accuracy and latency over time, from the sums by minute or hour: what charts and alerts show.

Deltas that are not added to the sums yet count too, in the same statement, as in `metrics_summary`.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Table,
    and_,
    func,
    select,
    true,
    union_all,
)

from pba.errors import InvalidInput
from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.scoring.group_sums import REST
from pba.scoring.outcome_sums import BINS
from pba.security import EVERYTHING, Scope
from pba.store.aggregate_tables import (
    ACCURACY_SUMS,
    BIN_SUMS,
    aggregate_deltas,
    hour_aggregates,
    minute_aggregates,
)
from pba.store.database import Database
from pba.store.link_counts import LARGEST
from pba.store.metrics_summary import accuracy, latency
from pba.store.report_tables import (
    group_deltas,
    hour_groups,
    hour_latencies,
    hours_since,
    latency_deltas,
    minute_groups,
    minute_latencies,
)
from pba.store.series_span import SeriesSpan
from pba.store.tables import versions
from pba.types.times import rfc3339_of

__all__ = ["GROUP", "KEYS", "MetricSeries", "group_series", "metric_series"]

KEYS = ("mode", "version", "arm", "source")
"""By what series may be kept apart."""

GROUP = "group"
"""By what else: by groups of links, and then by nothing beside."""

_CODES: Mapping[str, Sequence[Any]] = {"mode": MODES, "arm": ARMS, "source": SOURCES}

_Key = tuple[Any, ...]


class MetricSeries:
    """Reads series from a store; ``clock`` returns Unix seconds."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def read(
        self,
        by: Sequence[str] = (),
        horizon: int = 1,
        from_s: float | None = None,
        to_s: float | None = None,
        step_s: int | None = None,
        bins: bool = False,
        scope: Scope = EVERYTHING,
    ) -> dict[str, Any]:
        """Return accuracy and latency over time, as `metric_series` or `group_series`.

        Raises
        ------
        InvalidInput
            As `SeriesSpan.of`; for groups with another key, horizon or bins, which are not kept.
        """
        span = SeriesSpan.of(self._clock(), from_s, to_s, step_s)
        if GROUP not in by:
            return self._database.read(metric_series, span, by, horizon, bins)
        if set(by) != {GROUP} or horizon != 1 or bins:
            raise InvalidInput(
                "by has group; groups are kept one step ahead, without bins, and by nothing else. "
                "Leave out the other parts of by, horizon and bins.",
                "by",
            )
        return self._database.read(group_series, span, scope)


def metric_series(
    connection: Connection, span: SeriesSpan, by: Sequence[str], horizon: int, bins: bool = False
) -> dict[str, Any]:
    """Return the body of ``GET /v1/metrics/series``.

    A point has the forecasts that were computed in it and are scored ``horizon`` steps ahead, of
    the mean over so many steps if that is negative. Those that were computed only to compare arms
    count where arms are kept apart. Latency is there where at most modes are. Points without a
    forecast are left out.

    Parameters
    ----------
    by
        Some of `KEYS`: each combination is a series of its own.
    bins
        Adds how many forecasts had a confidence in each tenth, how many of these hit, and the sum
        of their confidences.
    """
    keys = [name for name in KEYS if name in by]
    points: dict[_Key, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in _outcomes(connection, span, keys, horizon, bins):
        part = accuracy([row]) | ({"bins": _bins(row)} if bins else {})
        points[_key(row, keys)][row["at_us"]] = part
    if set(keys) <= {"mode"} and horizon == 1:
        _add_latencies(connection, span, keys, points)
    names = _version_names(connection) if "version" in keys else {}
    series = [
        {name: _name(name, code, names) for name, code in zip(keys, key, strict=True)}
        | {"points": _sorted_points(own)}
        for key, own in points.items()
    ]
    return _body(span, horizon, sorted(series, key=lambda one: [str(one[name]) for name in keys]))


def group_series(connection: Connection, span: SeriesSpan, scope: Scope) -> dict[str, Any]:
    """Return the same by groups of links that are in ``scope``, the largest first.

    Who may see all links also sees the others together, as the group None.
    """
    tables = minute_groups, hour_groups, group_deltas
    both = _all(span, tables, ["name", *ACCURACY_SUMS])
    rows = _grouped(connection, both, span, true(), [both.c.name], _sums(both, ACCURACY_SUMS))
    sizes: dict[str, float] = defaultdict(float)
    for row in rows:
        sizes[row["name"]] += row["scored"]
    named = sorted(sizes.keys() - {REST}, key=lambda name: (-sizes[name], name))
    largest = [name for name in named if scope.allows_group(name)][:LARGEST]
    points: dict[str, dict[int, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        name = row["name"] if row["name"] in largest else REST
        points[name][row["at_us"]].append(row)
    shown = [*largest, REST] if scope.everything and REST in points else largest
    series = [
        {
            GROUP: name or None,
            "points": _sorted_points({at: accuracy(own) for at, own in points[name].items()}),
        }
        for name in shown
    ]
    return _body(span, 1, series)


def _body(span: SeriesSpan, horizon: int, series: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "from": rfc3339_of(span.from_s),
        "to": rfc3339_of(span.to_s),
        "step_s": span.step_s,
        "horizon": horizon,
        "series": series,
    }


def _bins(row: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the sums by bins of confidence, the lowest first."""
    names = {"scored": "scored", "hits": "hits", "confidence": "confidence_sum"}
    return {shown: [row[f"{kind}_{at}"] for at in range(BINS)] for kind, shown in names.items()}


def _sorted_points(points: Mapping[int, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"at": rfc3339_of(at_us / 1e6)} | points[at_us] for at_us in sorted(points)]


def _outcomes(
    connection: Connection, span: SeriesSpan, keys: Sequence[str], horizon: int, bins: bool
) -> list[Mapping[str, Any]]:
    names = (*ACCURACY_SUMS, *BIN_SUMS) if bins else ACCURACY_SUMS
    tables = minute_aggregates, hour_aggregates, aggregate_deltas
    both = _all(span, tables, sorted({"steps", "served", *keys, *names}))
    counted = and_(both.c.steps == horizon, true() if "arm" in keys else both.c.served)
    columns = [both.c[name] for name in keys]
    return _grouped(connection, both, span, counted, columns, _sums(both, names))


def _sums(both: FromClause, names: Sequence[str]) -> list[ColumnElement[Any]]:
    return [func.sum(both.c[name]).label(name) for name in names]


def _add_latencies(
    connection: Connection,
    span: SeriesSpan,
    keys: Sequence[str],
    points: Mapping[_Key, Mapping[int, dict[str, Any]]],
) -> None:
    """Add to each point that has outcomes how long its forecasts took."""
    tables = minute_latencies, hour_latencies, latency_deltas
    both = _all(span, tables, ["mode", "bin", "forecasts", "took_ms", "most_ms"])
    columns = [both.c[name] for name in (*keys, "bin")]
    sums = [
        func.sum(both.c.forecasts).label("forecasts"),
        func.sum(both.c.took_ms).label("took_ms"),
        func.max(both.c.most_ms).label("most_ms"),
    ]
    bins: dict[_Key, dict[int, list[Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for row in _grouped(connection, both, span, true(), columns, sums):
        bins[_key(row, keys)][row["at_us"]].append(row)
    for key, own in points.items():
        for at_us, part in own.items():
            rows = sorted(bins[key][at_us], key=lambda row: int(row["bin"]))
            part["latency_ms"] = latency(rows)


def _all(span: SeriesSpan, tables: tuple[Table, Table, Table], names: Sequence[str]) -> FromClause:
    """Return the rows of minutes, or of hours and the minutes before these, and of deltas.

    ``tables`` are those of minutes, hours and deltas, which have columns of the same ``names``.
    """
    minutes, hours, deltas = tables
    rows = [select(one.c.minute_us, *(one.c[name] for name in names)) for one in (minutes, deltas)]
    if span.by_hour:
        since_us = select(hours_since.c.since_us).scalar_subquery()
        rows[0] = rows[0].where(minutes.c.minute_us < since_us)
        rows.append(select(hours.c.hour_us, *(hours.c[name] for name in names)))
    return union_all(*rows).subquery()


def _grouped(
    connection: Connection,
    both: FromClause,
    span: SeriesSpan,
    counted: Any,
    columns: Sequence[Any],
    sums: Sequence[Any],
) -> list[Mapping[str, Any]]:
    """Return ``sums`` by the point in which they lie and ``columns``."""
    at_us = (both.c.minute_us - both.c.minute_us % span.step_us).label("at_us")
    within = and_(both.c.minute_us >= span.from_us, both.c.minute_us < span.to_us, counted)
    query = select(at_us, *columns, *sums).where(within).group_by(at_us, *columns)
    return [dict(row) for row in connection.execute(query).mappings()]


def _key(row: Mapping[str, Any], keys: Sequence[str]) -> _Key:
    return tuple(row[name] for name in keys)


def _name(key: str, code: int, names: Mapping[int, str]) -> str | None:
    return names.get(code) if key == "version" else str(_CODES[key][code])


def _version_names(connection: Connection) -> dict[int, str]:
    return {row.id: row.name for row in connection.execute(select(versions.c.id, versions.c.name))}
