"""Accuracy and latency over time: the same as from the exported rows, and what a span may be."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from pba.errors import InvalidInput
from pba.security import Scope
from pba.store import Store
from pba.store.aggregate_tables import ACCURACY_SUMS, aggregate_deltas, hour_aggregates
from pba.store.forecast_export import export_forecasts
from pba.store.link_counts import largest_groups
from pba.store.metric_series import KEYS
from pba.store.report_tables import HOUR_US, group_deltas, hours_since, latency_deltas
from pba.types.times import rfc3339_of
from tests.store.builders import (
    NOW_S,
    sample_report,
    settle,
    stored_forecast,
    with_intervals,
    write,
    write_both_arms,
)
from tests.store.deltas import (
    add_versions,
    append,
    append_all,
    outcome_deltas,
    random_latency_deltas,
    rows_of,
)

SPAN = {"from_s": NOW_S - 60, "to_s": NOW_S + 3600, "step_s": 86_400}


LINKS = ("fra1:a", "fra1:b", "eu:ams2:c", "plain")
"""They are in the groups ``fra1``, ``eu:ams2``, and none."""


def fill(store: Store, folder: Path) -> Path:
    """Write and score forecasts of `LINKS` at random, export them, and return where they are."""
    rng = np.random.default_rng(0)
    for name in LINKS:
        rates = rng.uniform(10, 90, 90)
        write(store, *(sample_report(name, at, 1, mbps=rate) for at, rate in enumerate(rates)))
    store.jobs.count_links()
    for name in LINKS:
        forecasts = [
            with_intervals(stored_forecast(name, after, rate, created_s=NOW_S + 7 * after))
            for after, rate in enumerate(rng.uniform(10, 90, 40).tolist(), 30)
        ]
        for one in forecasts:
            one.prediction["confidence"] = rng.uniform(0, 1, 6).tolist()
        write(store, forecasts=forecasts)
        settle(store)
    store._database.read(export_forecasts, folder)
    return folder


def test_series_are_what_the_exported_rows_say(store: Store, tmp_path: Path):
    rows = exported(fill(store, tmp_path))
    for horizon, target in ((1, "1"), (5, "5"), (15, "15"), (-5, "mean_5"), (-15, "mean_15")):
        body = store.series.read(horizon=horizon, **SPAN | {"step_s": 60}, bins=True)
        (series,) = body["series"]
        check(series["points"], rows, target)
        filled = [sum(map(bool, point["bins"]["scored"])) for point in series["points"]]
        assert max(filled) > 5


def test_groups_are_what_the_exported_rows_of_their_links_say(store: Store, tmp_path: Path):
    rows = exported(fill(store, tmp_path))
    groups = {"fra1": ("fra1:a", "fra1:b"), "eu:ams2": ("eu:ams2:c",), None: ("plain",)}

    def read() -> list[dict[str, Any]]:
        series: list[dict[str, Any]] = store.series.read(["group"], **SPAN | {"step_s": 60})[
            "series"
        ]
        return series

    before = read()
    while store.jobs.fold(3):
        pass
    assert read() == before, "deltas count before they are added"
    assert [one["group"] for one in before] == [*groups]
    for one in before:
        own = [row for row in rows if row["link_id"] in groups[one["group"]]]
        check(one["points"], own, "1")


def test_a_key_sees_the_groups_of_which_all_links_are_its_own(store: Store, tmp_path: Path):
    fill(store, tmp_path)
    for patterns, groups in (
        (["fra1:*"], ["fra1"]),
        (["eu:*", "fra1:*", "plain"], ["fra1", "eu:ams2"]),
        (["fra1:a*", "plain"], []),
    ):
        body = store.series.read(["group"], **SPAN, scope=Scope(tuple(patterns)))
        assert [one["group"] for one in body["series"]] == groups
    with pytest.raises(InvalidInput, match="by has group"):
        store.series.read(["group", "mode"])
    with pytest.raises(InvalidInput, match="by has group"):
        store.series.read(["group"], bins=True)


def test_only_the_largest_groups_are_apart(store: Store):
    sizes = {f"g{number:02}": 2 if number > 3 else 1 for number in range(54)}
    write(
        store, *(sample_report(f"{g}:{n}", 0, 1) for g, size in sizes.items() for n in range(size))
    )
    store.jobs.count_links()
    largest = store._database.read(largest_groups)
    assert largest == {name for name, size in sizes.items() if size == 2}
    deltas = [{"minute_us": 0, "name": name, "scored": 1.0} for name in ["", *sizes]]
    append(store, group_deltas, [*deltas, deltas[1]])
    series = store.series.read(["group"], from_s=0.0, to_s=60.0)["series"]
    assert [one["group"] for one in series] == [*list(sizes)[:50], None]
    assert series[0]["points"][0]["scored"] == 2
    assert series[-1]["points"][0]["scored"] == 5, "all others together"


def exported(folder: Path) -> list[dict[str, Any]]:
    return [
        row for file in sorted(folder.rglob("*.parquet")) for row in pq.read_table(file).to_pylist()
    ]


def check(points: list[dict[str, Any]], rows: list[dict[str, Any]], target: str) -> None:
    """Hold that points by minute are those of ``rows``."""
    minutes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row[f"actual_mbps_{target}"] is not None:
            minutes[rfc3339_of(row["made_at_s"] // 60 * 60)].append(row)
    assert [point["at"] for point in points] == sorted(minutes)
    for point in points:
        for name, value in _expected(minutes[point["at"]], target).items():
            if name != "bins":
                assert point[name] == pytest.approx(value, rel=1e-4), (target, name)
            elif name in point:
                for kind, sums in value.items():
                    assert point[name][kind] == pytest.approx(sums, rel=1e-4), (target, kind)


def _expected(rows: list[dict[str, Any]], target: str) -> dict[str, Any]:
    actual = np.array([row[f"actual_mbps_{target}"] for row in rows])
    point, low, high, confidence = (
        np.array([row[f"{name}_{target}"] for row in rows])
        for name in ("bandwidth_mbps", "q05_mbps", "q95_mbps", "confidence")
    )
    hits = np.array([row[f"in_band_{target}"] for row in rows])
    edges = np.linspace(0, 1, 11)
    return {
        "scored": len(rows),
        "accuracy_20": hits.mean(),
        "confidence": confidence.mean(),
        "coverage_90": ((low <= actual) & (actual <= high)).mean(),
        "bias_mbps": (point - actual).mean(),
        "mae_mbps": np.abs(point - actual).mean(),
        "bins": {
            "scored": np.histogram(confidence, edges)[0],
            "hits": np.histogram(confidence[hits], edges)[0],
            "confidence_sum": np.histogram(confidence, edges, weights=confidence)[0],
        },
    }


def test_what_is_kept_apart_adds_up_to_the_whole(store: Store):
    append_all(store, 300)
    span = {"from_s": 0.0, "to_s": 600.0, "step_s": 60}
    before = store.series.read(KEYS, 1, **span)
    while store.jobs.fold(100):
        pass
    assert store.series.read(KEYS, 1, **span) == before, "deltas count before they are added"
    assert len(before["series"]) > 10
    whole = store.series.read(["arm"], 1, **span)["series"]
    for key in ("mode", "version", "source"):
        parts = store.series.read(["arm", key], 1, **span)["series"]
        for series in whole:
            own = [part for part in parts if part["arm"] == series["arm"]]
            assert {part[key] for part in own} > {own[0][key]}
            for point in series["points"]:
                same = [one for part in own for one in part["points"] if one["at"] == point["at"]]
                assert sum(one["scored"] for one in same) == point["scored"]


@pytest.mark.parametrize("since_h", [0, 1, 9])
def test_hours_are_the_sums_of_their_minutes(store: Store, since_h: int):
    """From an hour on they are summed up as such; those before, which an upgrade finds, are not."""
    since_us = since_h * HOUR_US
    store._database.write(
        lambda connection: connection.execute(update(hours_since).values(since_us=since_us))
    )
    add_versions(store, "", "internet-x")
    span = {"from_s": 0.0, "to_s": 3 * 3600.0}
    for which in (0, 1):
        for table, rows in ((aggregate_deltas, outcome_deltas(200, which)), *_more_deltas(which)):
            append(store, table, [row | {"minute_us": 61 * row["minute_us"]} for row in rows])
        if not which:
            while store.jobs.fold(70):
                pass
    for by in ([], ["mode"], [*KEYS], ["group"]):
        rest: dict[str, Any] = span | {"bins": by != ["group"]}
        hours = store.series.read(by, 1, **rest, step_s=3600)["series"]
        minutes = store.series.read(by, 1, **rest, step_s=60)["series"]
        assert len(hours) == len(minutes) > 0
        for whole, parts in zip(hours, minutes, strict=True):
            _check_hours(whole["points"], parts["points"])
    before_s = 10.5 * 3600
    assert (
        store.series.read(from_s=1800.0, to_s=before_s, step_s=3600)["series"][0]["points"]
        == (store.series.read(from_s=0.0, to_s=before_s, step_s=3600)["series"][0]["points"])
    ), "points are whole hours"
    assert {row["hour_us"] >= since_us for row in rows_of(store, hour_aggregates)} <= {True}
    assert (len(rows_of(store, hour_aggregates)) > 0) == (since_h < 9)


def _more_deltas(seed: int) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Return deltas of latencies and of groups."""
    groups = [
        {name: row[name] for name in ("minute_us", *ACCURACY_SUMS)} | {"name": f"g{number % 3}"}
        for number, row in enumerate(outcome_deltas(60, seed))
    ]
    return [(latency_deltas, random_latency_deltas(60, seed)), (group_deltas, groups)]


def _check_hours(hours: list[dict[str, Any]], minutes: list[dict[str, Any]]) -> None:
    own: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for point in minutes:
        own[point["at"][:13]].append(point)
    assert [hour["at"][:13] for hour in hours] == [*own]
    for hour in hours:
        parts = own[hour["at"][:13]]
        scored = [part["scored"] for part in parts]
        assert hour["scored"] == sum(scored)
        assert hour["bias_mbps"] == pytest.approx(
            np.average([part["bias_mbps"] for part in parts], weights=scored)
        )
        for kind in hour.get("bins", {}):
            columns = np.array([part["bins"][kind] for part in parts])
            assert hour["bins"][kind] == pytest.approx(columns.sum(axis=0))
        if latency := hour.get("latency_ms"):
            longest = [part["latency_ms"]["max"] for part in parts if part["latency_ms"]]
            assert latency["max"] == max(longest)


def test_forecasts_for_comparison_count_where_arms_are_kept_apart(store: Store):
    write_both_arms(store, [100.0] * 20, [50.0] * 20)
    (served,) = store.series.read(**SPAN)["series"]
    assert sum(point["scored"] for point in served["points"]) == 20
    arms = {one["arm"]: one["points"] for one in store.series.read(["arm"], **SPAN)["series"]}
    assert {arm: points[0]["accuracy_20"] for arm, points in arms.items()} == {"v1": 0.0, "v3": 1.0}


def test_latency_is_there_by_mode_alone(store: Store):
    write(store, sample_report("a", 0, 40))
    took_ms = range(10, 30)
    write(store, forecasts=[stored_forecast("a", at, took_ms=float(at)) for at in took_ms])
    settle(store)
    for by in ((), ("mode",)):
        (series,) = store.series.read(by, **SPAN)["series"]
        (point,) = series["points"]
        assert point["latency_ms"]["avg"] == pytest.approx(19.5)
        assert point["latency_ms"]["max"] == 29.0
    for by, horizon in ((("source",), 1), ((), 5)):
        (series,) = store.series.read(by, horizon, **SPAN)["series"]
        assert "latency_ms" not in series["points"][0]


def test_an_empty_store_has_no_series(store: Store):
    body = store.series.read(["mode"])
    assert body["series"] == []
    assert body["step_s"] == 300
