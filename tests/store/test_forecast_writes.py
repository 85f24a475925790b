"""Forecasts are stored once, and only for links that exist."""

import psycopg
import pytest
from sqlalchemy import text

from pba.rollout import Arm
from pba.scoring.forecast_body import pack, unpack
from pba.store import Store
from tests.store.builders import START_S, sample_report, settle, stored_forecast, write
from tests.support.waiting import wait_until


def points(store: Store, link_id: str) -> list[tuple[str, str, float]]:
    _, forecasts = store.history(link_id, 0, 9e9, 100)
    return [(row["arm"], row["model_version"], row["said"]["points_mbps"][0]) for row in forecasts]


def sizes(store: Store) -> dict[str, int]:
    """Return how many forecasts wait for actuals, and how many are logged."""
    tables = ("open_forecasts", "forecast_log")
    with store._database.engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in tables
        }


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
        "actual_mean_mbps": {},
    }


def test_a_closed_forecast_reads_as_before_with_its_actuals_and_without_members(store: Store):
    write(store, sample_report("a", 0, 60), forecasts=[stored_forecast("a", 59)])
    (before,) = store.history("a", 0, 9e9, 100)[1]
    for second in (60, 61, 70):  # its actuals come one after the other
        write(store, sample_report("a", second, 1 if second == 60 else 9))
        settle(store)
    (after,) = store.history("a", 0, 9e9, 100)[1]
    assert before["said"]["members"] != {}
    assert after == before | {
        "said": before["said"] | {"members": {}},
        "actual_mbps": {1: 50.0, 5: 50.0, 15: 50.0},
    }
    assert sizes(store) == {"open_forecasts": 0, "forecast_log": 1}


def test_a_forecast_that_is_recorded_again_after_it_was_closed_counts_once(store: Store):
    write(store, sample_report("a", 0, 80), forecasts=[stored_forecast("a", 59)])
    assert [outcome.steps for outcome in settle(store)] == [1, 5, 15]
    write(store, forecasts=[stored_forecast("a", 59, 70.0)])
    assert points(store, "a") == [("v3", "v1", 50.0)]
    assert settle(store) == []
    assert points(store, "a") == [("v3", "v1", 50.0)]
    assert sizes(store) == {"open_forecasts": 0, "forecast_log": 1}


def test_postgresql_keeps_no_old_versions_of_what_is_logged(store: Store, url: str):
    """An update leaves the old version of a row behind, and new index entries unless it is HOT."""
    if url.startswith("sqlite"):
        pytest.skip("SQLite changes rows in place")
    names = [f"l{number}" for number in range(40)]
    write(store, *(sample_report(name, 0, 60) for name in names))
    for second in range(60, 80):
        reports = [sample_report(name, second, 1) for name in names]
        write(store, *reports, forecasts=[stored_forecast(name, second) for name in names])
        settle(store)
    store.close()  # then the server counts what its connections did
    with psycopg.connect(url, autocommit=True) as connection:
        wait_until(lambda: changes(connection, "forecast_log_default")[0] == 5 * 40)
        assert changes(connection, "forecast_log_default") == (5 * 40, 0, 0)
        _, updates, hot = changes(connection, "open_forecasts")
    assert updates == (19 + 15) * 40
    assert hot > 0.8 * updates


def changes(connection: psycopg.Connection, table: str) -> tuple[int, ...]:
    """Return how many rows were inserted and updated, and how many of the updates were HOT."""
    query = "SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s"
    return connection.execute(query, [table]).fetchone() or ()
