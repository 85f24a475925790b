"""Forecasts are those of version 3.0.0, from given histories and from the store."""

from pathlib import Path
from typing import Any

import pytest

from pba.rollout import Flags
from tests.regression.closeness import assert_close, without_stretch
from tests.regression.replay import comparable, fixture, forecast_given, replay, series, versions


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    return fixture("forecasts_given.json")


def test_the_recorded_forecasts_are_of_every_kind(given: dict[str, Any]):
    forecasts = [case["forecast"] for case in given["cases"]]
    assert {one["source"] for one in forecasts} == {"model", "ensemble", "expert", "heuristic"}
    assert {one["mode"] for one in forecasts} == {"datacenter", "internet", "hybrid"}
    assert {reason for one in forecasts for reason in one["reasons"]} == {
        "short_history",
        "irregular_window",
        "unstable_window",
        "out_of_range",
        "recent_misses",
    }


def test_given_histories_have_the_forecasts_of_version_3_0(given: dict[str, Any]):
    assert versions() == given["models"], "recorded with other models: record them anew"
    samples = {name: series(body) for name, body in given["series"].items()}
    for place, case in enumerate(given["cases"]):
        forecast = forecast_given(case, samples[case["series"]])
        assert_close(case["forecast"], forecast, f"cases[{place}]")


def without_drift(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events of other kinds than drift, without their numbers."""
    others = (one for one in events if one["kind"] != "drift")
    return [{key: value for key, value in one.items() if key != "number"} for one in others]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_links_by_name_have_the_forecasts_of_version_3_0(tmp_path: Path):
    recorded = fixture("forecasts_stored.json")
    assert versions() == recorded["models"], "recorded with other models: record them anew"
    links = {name: series(body) for name, body in recorded["series"].items()}
    flags = Flags(**recorded["flags"])
    results, stored = await replay(tmp_path / "pba.db", flags, links, recorded["steps"])
    state = stored.state(list(links))
    stored.store.close()
    of_step = {(one["step"], one["link_id"]): one for one in results}
    for result in recorded["results"]:
        key = result["step"], result["link_id"]
        assert_close(without_stretch(result), without_stretch(of_step[key]), str(key))
    for name, modes in recorded["modes"].items():
        receipts = [one["receipt"] for one in results if one["link_id"] == name]
        assert [receipt["mode"] for receipt in receipts] == modes
    recorded["state"]["summary"] = comparable(recorded["state"]["summary"])
    # Pairs with heuristics counted in 3.0.0.
    recorded["state"]["versions"] = recorded["state"].pop("compare")["versions"]
    # Drift is detected in another way than in 3.0.0: of changes with 30 outcomes before them.
    for side in (recorded["state"], state):
        side["events"] = without_drift(side["events"])
    assert_close(without_stretch(recorded["state"]), without_stretch(state), "state")
