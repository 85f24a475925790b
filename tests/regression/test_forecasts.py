"""Forecasts are those that `record` has recorded, from given histories and from the store."""

from pathlib import Path
from typing import Any

import pytest

from pba.rollout import Flags
from tests.regression.closeness import assert_close
from tests.regression.record import GIVEN, STORED, modes_of
from tests.regression.replay import fixture, forecast_given, replay, series, versions

_OTHER_MODELS = "recorded with other models; run: python -m tests.regression.record"


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    return fixture(GIVEN)


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


def test_given_histories_have_the_recorded_forecasts(given: dict[str, Any]):
    assert versions() == given["models"], _OTHER_MODELS
    samples = {name: series(body) for name, body in given["series"].items()}
    for place, case in enumerate(given["cases"]):
        forecast = forecast_given(case, samples[case["series"]])
        assert_close(case["forecast"], forecast, f"cases[{place}]")


@pytest.mark.slow
async def test_links_by_name_have_the_recorded_forecasts_and_outcomes(tmp_path: Path):
    recorded = fixture(STORED)
    assert versions() == recorded["models"], _OTHER_MODELS
    links = {name: series(body) for name, body in recorded["series"].items()}
    flags = Flags(**recorded["flags"])
    results, stored = await replay(tmp_path / "pba.db", flags, links, recorded["steps"])
    state = stored.state(list(links))
    stored.store.close()
    of_step = {(one["step"], one["link_id"]): one for one in results}
    for result in recorded["results"]:
        key = result["step"], result["link_id"]
        assert_close(result, of_step[key], str(key))
    for name, modes in recorded["modes"].items():
        assert modes_of(results, name) == modes
    assert_close(recorded["state"], state, "state")
