"""Forecasts are stored once, and only for links that exist."""

from pba.rollout import Arm
from pba.scoring.forecast_body import pack, unpack
from pba.store import Store
from tests.store.builders import START_S, sample_report, stored_forecast, write


def points(store: Store, link_id: str) -> list[tuple[str, str, float]]:
    _, forecasts = store.history(link_id, 0, 9e9, 100)
    return [(row["arm"], row["model_version"], row["said"]["points_mbps"][0]) for row in forecasts]


def test_of_two_forecasts_with_one_sample_arm_and_version_the_first_is_kept(store: Store):
    write(store, sample_report("a", 0, 60))
    write(store, forecasts=[stored_forecast("a", 59, 50.0), stored_forecast("a", 59, 70.0)])
    write(store, forecasts=[stored_forecast("a", 59, 80.0)])
    assert points(store, "a") == [("v3", "v1", 50.0)]


def test_other_versions_and_arms_have_forecasts_of_their_own(store: Store):
    write(store, sample_report("a", 0, 60))
    others = [
        stored_forecast("a", 59, 51.0, version="v2"),
        stored_forecast("a", 59, 52.0, arm=Arm.V1, served=False),
    ]
    write(store, forecasts=[stored_forecast("a", 59, 50.0), *others])
    assert sorted(points(store, "a")) == [
        ("v1", "v1", 52.0),
        ("v3", "v1", 50.0),
        ("v3", "v2", 51.0),
    ]


def test_forecasts_of_unknown_links_are_dropped(store: Store):
    write(store, sample_report("a", 0, 60))
    write(store, forecasts=[stored_forecast("unknown", 59), stored_forecast("a", 59)])
    assert [link.link_id for link in store.links(None, "", 10)] == ["a"]
    assert len(points(store, "a")) == 1


def test_a_forecast_is_read_back_as_it_is_packed(store: Store):
    write(store, sample_report("a", 0, 60))
    forecast = stored_forecast(
        "a", 59, 42.5, source="expert", version="", took_ms=3.5, served=False
    )
    write(store, forecasts=[forecast])
    ((row,),) = (store.history("a", 0, 9e9, 100)[1],)
    assert row == {
        "after_s": START_S + 59,
        "made_at_s": forecast.created_s,
        "mode": "internet",
        "source": "expert",
        "model_version": None,
        "arm": "v3",
        "served": False,
        "step_s": 1.0,
        "took_ms": 3.5,
        "said": unpack(pack(forecast.prediction)),
        "actual_mbps": {},
    }
