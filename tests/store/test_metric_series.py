"""Accuracy and latency over time: the same as from the exported rows, and what a span may be."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from pba.errors import InvalidInput
from pba.store import Store
from pba.store.forecast_export import export_forecasts
from pba.store.metric_series import KEYS, SeriesSpan
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
from tests.store.deltas import append_all

SPAN = {"from_s": NOW_S - 60, "to_s": NOW_S + 3600, "step_s": 86_400}


def test_series_are_what_the_exported_rows_say(store: Store, tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in "ab":
        rates = rng.uniform(10, 90, 90)
        write(store, *(sample_report(name, at, 1, mbps=rate) for at, rate in enumerate(rates)))
        forecasts = [
            with_intervals(
                stored_forecast(
                    name, after, float(rng.uniform(10, 90)), created_s=NOW_S + 7 * after
                )
            )
            for after in range(30, 70)
        ]
        write(store, forecasts=forecasts)
        settle(store)
    store._database.read(export_forecasts, tmp_path)
    for horizon, target in ((1, "1"), (5, "5"), (15, "15"), (-5, "mean_5"), (-15, "mean_15")):
        body = store.series.read(horizon=horizon, **SPAN | {"step_s": 60})
        (series,) = body["series"]
        expected = recomputed(tmp_path, target)
        assert [point["at"] for point in series["points"]] == list(expected)
        for point in series["points"]:
            for name, value in expected[point["at"]].items():
                assert point[name] == pytest.approx(value, rel=1e-4), (horizon, name)


def recomputed(folder: Path, target: str) -> dict[str, dict[str, float]]:
    """Return count, accuracy, errors and coverage of each minute, from the exported rows."""
    rows = [
        row
        for file in sorted(folder.rglob("*.parquet"))
        for row in pq.read_table(file).to_pylist()
        if row[f"actual_mbps_{target}"] is not None
    ]
    minutes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        minutes[rfc3339_of(row["made_at_s"] // 60 * 60)].append(row)
    return {at: _expected(minutes[at], target) for at in sorted(minutes)}


def _expected(rows: list[dict[str, Any]], target: str) -> dict[str, float]:
    actual = np.array([row[f"actual_mbps_{target}"] for row in rows])
    point, low, high, confidence = (
        np.array([row[f"{name}_{target}"] for row in rows])
        for name in ("bandwidth_mbps", "q05_mbps", "q95_mbps", "confidence")
    )
    return {
        "scored": len(rows),
        "accuracy_20": np.mean([row[f"in_band_{target}"] for row in rows]),
        "confidence": confidence.mean(),
        "coverage_90": ((low <= actual) & (actual <= high)).mean(),
        "bias_mbps": (point - actual).mean(),
        "mae_mbps": np.abs(point - actual).mean(),
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


@pytest.mark.parametrize(
    ("span_s", "step_s"), [(3600, 60), (18_000, 60), (86_400, 300), (7 * 86_400, 3600), (1e9, None)]
)
def test_a_span_has_at_most_300_points_unless_more_are_requested(span_s: float, step_s: int | None):
    if step_s is None:
        with pytest.raises(InvalidInput, match="over 2000"):
            SeriesSpan.of(1e9, 1e9 - span_s, None, None)
    else:
        assert SeriesSpan.of(1e9, 1e9 - span_s, None, None).step_s == step_s


@pytest.mark.parametrize(
    ("from_s", "to_s", "step_s", "words"),
    [
        (5.0, 5.0, None, "from is earlier"),
        (None, None, 90, "whole minutes"),
        (None, None, 0, "whole minutes"),
        (0.0, 1e9, 3600, "over 2000"),
    ],
)
def test_a_span_that_cannot_be_is_refused(
    from_s: float | None, to_s: float | None, step_s: int | None, words: str
):
    with pytest.raises(InvalidInput, match=words):
        SeriesSpan.of(1e9, from_s, to_s, step_s)
