"""Alarms are reported once, whichever watch is running, and the open ones can be listed."""

from dataclasses import replace

import numpy as np
import pytest

from pba.monitoring.drift_watch import LinkDriftWatch, ModeDriftWatch, open_alarms
from pba.rollout import Arm
from pba.store import Store, WriteBatch
from pba.types import Event, NetworkMode
from tests.monitoring.builders import CREATED_S, START_S, last_value_forecast, score_series

LINKS = [f"l{number}" for number in range(10)]


def stages(events: list[Event]) -> list[str]:
    return [event.body["stage"] for event in events]


def test_a_change_of_a_link_is_an_alarm_until_it_has_settled(store: Store):
    rng = np.random.default_rng(3)
    noise = np.exp(rng.normal(0.0, 0.05, (500, 1)))
    watch = LinkDriftWatch(store)
    assert watch.watch("l0", score_series(store, ["l0"], 100.0 * noise[:200])) == []
    events = watch.watch("l0", score_series(store, ["l0"], 60.0 * noise[200:260], 200))
    assert stages(events)[0] == "opened"
    assert "level" in {change["what"] for change in events[0].body["changes"]}
    assert START_S + 195 <= events[0].body["since_s"] <= START_S + 205
    (alarm,) = open_alarms(store)
    assert (alarm["link_id"], alarm["mode"], alarm["ended_s"]) == ("l0", None, None)

    restarted = LinkDriftWatch(store)
    later = restarted.watch("l0", score_series(store, ["l0"], 60.0 * noise[260:], 260))
    assert stages(later)[-1] == "ended"
    assert {event.body["opened_s"] for event in later} == {events[0].body["opened_s"]}
    assert stages(events + later).count("opened") == 1
    assert open_alarms(store) == []


def test_a_mode_whose_forecasts_fail_is_an_alarm_until_it_has_settled(store: Store):
    rng = np.random.default_rng(4)
    level = 10.0 ** rng.uniform(0, 3, len(LINKS))

    def rates(seconds: int, spread: float) -> np.ndarray:
        return level * np.exp(rng.normal(0.0, spread, (seconds, len(LINKS))))

    watch = ModeDriftWatch(store)
    assert watch.watch(score_series(store, LINKS, rates(40, 0.03))) == []
    volatile = score_series(store, LINKS, rates(10, 0.3), first=40)
    events = watch.watch(volatile)
    assert stages(events)[0] == "opened"
    assert (events[0].kind, events[0].link_id) == ("drift:internet", None)
    (alarm,) = open_alarms(store)
    assert (alarm["link_id"], alarm["mode"]) == (None, "internet")
    hits = next(change for change in alarm["changes"] if change["what"] == "hits")
    assert hits["before"] == pytest.approx(0.0, abs=0.05)
    assert hits["after"] < -0.2, "the confidence is 0.99"
    assert alarm["since_s"] == pytest.approx(CREATED_S + 39 * 60, abs=60), "the service's clock"

    restarted = ModeDriftWatch(store)
    assert restarted.watch(volatile[-len(LINKS) :]) == [], "reported already"
    later = restarted.watch(score_series(store, LINKS, rates(60, 0.3), first=50))
    assert stages(later)[-1] == "ended"
    assert open_alarms(store) == []


def test_forecasts_for_comparison_and_later_horizons_raise_no_link_alarm(store: Store):
    outcomes = score_series(store, ["l0"], np.full((40, 1), 50.0))
    later = [outcome for outcome in outcomes if outcome.horizon > 0]
    compared = [replace(one, forecast=replace(one.forecast, served=False)) for one in outcomes]
    assert len(later) == 35 + 25
    watch = LinkDriftWatch(store)
    assert watch.watch("l0", [*later, *compared]) == []
    assert watch._detectors == {}, "no detector has seen an outcome"


def test_only_v3_models_count_for_a_mode(store: Store):
    score_series(store, ["l0"], np.full((3, 1), 50.0))
    model = last_value_forecast("l0", 2, 500.0)
    heuristic, v1 = replace(model, version=""), replace(model, arm=Arm.V1, version="v1-x")
    store.write(WriteBatch((), [heuristic, v1]))
    outcomes = score_series(store, ["l0"], np.full((2, 1), 50.0), first=3)
    others = [outcome for outcome in outcomes if outcome.forecast_mbps == 500.0]
    assert len(others) == 2
    watch = ModeDriftWatch(store)
    assert watch.watch(others) == []
    assert watch._detectors == {}
    watch.watch(outcomes)
    assert list(watch._detectors) == [NetworkMode.INTERNET]
