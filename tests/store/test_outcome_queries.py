"""Outcomes are read by link and by mode, and open forecasts by link."""

import pytest

from pba.rollout import Arm
from pba.store import Store
from pba.types import NetworkMode
from tests.store.builders import START_S, sample_report, stored_forecast, write, write_both_arms


def test_recent_outcomes_are_those_of_served_forecasts(store: Store):
    write_both_arms(store, [100.0] * 20, [50.0] * 20)
    record = store.link("a").record
    assert (record.scored, record.hits) == (20, 20), "the record is v3's"
    outcomes = store.recent_outcomes("a", 3)
    micros = [round(1e6 * (START_S + second)) for second in (77, 78, 79)]
    assert outcomes == [(at_us, 50.0, 100.0, False) for at_us in micros]


def test_outcomes_of_a_mode_are_those_of_its_v3_models(store: Store):
    write(store, sample_report("a", 0, 60), sample_report("b", 0, 60))
    forecasts = [
        stored_forecast(link, 59 + step, 50.0 + step) for step in range(3) for link in ("a", "b")
    ]
    others = [
        stored_forecast("a", 59, 90.0, version=""),  # a heuristic
        stored_forecast("a", 59, 91.0, arm=Arm.V1, version="v1-x"),
        stored_forecast("a", 59, 92.0, mode="datacenter", version="datacenter-x"),
    ]
    write(store, forecasts=[*forecasts, *others])
    write(store, sample_report("a", 60, 15), sample_report("b", 60, 15))
    store.settle(["a", "b"])
    outcomes = store.recent_mode_outcomes(NetworkMode.INTERNET, 5)
    assert [outcome.forecast_mbps for outcome in outcomes] == [50.0, 51.0, 51.0, 52.0, 52.0]
    assert {(outcome.steps, outcome.hit) for outcome in outcomes} == {(1, True)}
    assert outcomes[0].quartiles_mbps == pytest.approx((45.0, 55.0))
    (datacenter,) = store.recent_mode_outcomes(NetworkMode.DATACENTER, 5)
    assert datacenter.forecast_mbps == 92.0
    assert store.recent_mode_outcomes(NetworkMode.HYBRID, 5) == []


def test_open_links_have_a_forecast_and_a_later_sample(store: Store):
    write(store, *(sample_report(name, 0, 60) for name in ("due", "waiting", "none")))
    write(store, forecasts=[stored_forecast("due", 58), stored_forecast("waiting", 59)])
    assert store.open_links() == ["due"]
