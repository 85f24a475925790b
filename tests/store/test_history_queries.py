"""A link's past is read between two times."""

from pba.store import Store
from tests.store.builders import START_S, sample_report, settle, stored_forecast, write


def test_a_history_has_the_samples_and_the_forecasts_between_two_times(store: Store):
    write(store, sample_report("a", 0, 80), sample_report("b", 0, 80))
    forecasts = [stored_forecast("a", after) for after in (59, 60, 61, 62)]
    write(store, forecasts=[*forecasts, stored_forecast("b", 60)])
    settle(store)
    samples, rows = store.history("a", START_S + 60, START_S + 61, 100)
    assert samples.timestamps_s.tolist() == [START_S + 60, START_S + 61]
    assert [row["after_s"] for row in rows] == [START_S + 60, START_S + 61]
    assert rows[0]["actual_mbps"] == {1: 50.0, 5: 50.0, 15: 50.0}


def test_of_a_long_history_the_newest_rows_are_returned_oldest_first(store: Store):
    write(store, sample_report("a", 0, 80))
    write(store, forecasts=[stored_forecast("a", after) for after in range(60, 70)])
    samples, rows = store.history("a", 0, 9e9, 3)
    assert samples.timestamps_s.tolist() == [START_S + 77, START_S + 78, START_S + 79]
    assert [row["after_s"] for row in rows] == [START_S + 67, START_S + 68, START_S + 69]
