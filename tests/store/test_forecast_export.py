"""Forecasts are exported with their outcomes, each once, whether it still waits or not."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pba.store import Store
from pba.store.tables import forecasts, open_forecasts
from tests.store.builders import NOW_S, START_S, sample_report, settle, stored_forecast, write


def test_forecasts_are_exported_with_points_and_outcomes_by_day(
    store: Store, tmp_path: Path
) -> None:
    midnight = int(86_400 - START_S % 86_400)
    reported = [
        stored_forecast("a", midnight - 41, 55.0),
        stored_forecast("a", midnight - 3, 80.0),
        stored_forecast("b", midnight, 50.0),
    ]
    write(
        store,
        sample_report("a", midnight - 60, 70),
        sample_report("b", midnight, 1),
        forecasts=reported,
    )
    settle(store)
    counts: list[int] = []
    assert store.export_forecasts(tmp_path, counts.append) == 2
    assert sum(counts) == 3
    first, second = sorted((tmp_path / "forecasts").glob("day=*/forecasts.parquet"))
    assert first.parent.name == "day=2001-09-09"
    closed, waiting = pq.read_table(first).sort_by("after_s").to_pylist()
    assert closed["link_id"] == "a"
    assert (closed["after_s"], closed["made_at_s"]) == (START_S + midnight - 41, NOW_S)
    assert (closed["mode"], closed["arm"], closed["served"]) == ("internet", "v3", True)
    assert (closed["source"], closed["model_version"]) == ("model", "v1")
    assert (closed["bandwidth_mbps_5"], closed["actual_mbps_5"]) == (55.0, 50.0)
    assert [closed[f"in_band_{steps}"] for steps in (1, 5, 15)] == [True] * 3
    assert closed["confidence_1"] == pytest.approx(0.8, abs=1e-4)
    assert closed["unadapted_15"] == pytest.approx(0.7, abs=1e-4)
    quantiles_mbps = [closed[f"q{level}_mbps_1"] for level in ("05", "50", "95")]
    assert quantiles_mbps == pytest.approx([40.0, 50.0, 60.0], abs=1e-3)
    assert [waiting[f"in_band_{steps}"] for steps in (1, 5, 15)] == [False, False, None]
    (other,) = pq.read_table(second).to_pylist()
    assert (other["link_id"], other["actual_mbps_1"], other["in_band_1"]) == ("b", None, None)


def test_a_forecast_in_both_tables_is_exported_once(store: Store, tmp_path: Path) -> None:
    write(store, sample_report("a", 0, 60), forecasts=[stored_forecast("a", 59)])
    names = [column.name for column in open_forecasts.c]
    copy = forecasts.insert().from_select(names, open_forecasts.select())
    store._database.write(lambda connection: connection.execute(copy))
    counts: list[int] = []
    store.export_forecasts(tmp_path, counts.append)
    assert sum(counts) == 1


def test_without_forecasts_nothing_is_written(store: Store, tmp_path: Path) -> None:
    write(store, sample_report("a", 0, 60))
    assert store.export_forecasts(tmp_path) == 0
    assert list(tmp_path.glob("forecasts/*")) == []
