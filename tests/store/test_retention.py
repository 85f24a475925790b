"""Old rows, silent links and deleted links are removed."""

from pba.store import Store
from pba.types import Event
from tests.store.builders import START_S, sample_report, settle, stored_forecast, write

DAY_S = 86_400


def test_a_deleted_link_is_gone_with_all_its_rows(store: Store):
    forecasts = [stored_forecast("a", 60), stored_forecast("b", 60)]
    write(store, sample_report("a", 0, 80), sample_report("b", 0, 80), forecasts=forecasts)
    settle(store)
    store.delete("a")
    write(store, sample_report("a", 0, 2))
    assert len(store.link_contexts(["a"])["a"].history) == 2
    assert store.link("a").record.scored == 0
    assert store.history("a", 0, 9e9, 100)[1] == []
    assert store.link("b").record.scored == 1


def test_old_rows_and_silent_links_are_deleted(url: str):
    now = [START_S + 100.0]
    store = Store(url, lambda: now[0], retention_days=1.0).ready()
    forecasts = [stored_forecast("old", 60), stored_forecast("new", 60)]
    write(store, sample_report("old", 0, 80), sample_report("new", 0, 90), forecasts=forecasts)
    store.add_events([Event("old", START_S, None, {}), Event("new", START_S + DAY_S, None, {})])
    now[0] += DAY_S + 1
    write(store, sample_report("new", DAY_S + 75, 10))
    store.tidy()
    assert [link.link_id for link in store.links(None, "", 10)] == ["new"]
    samples, rows = store.history("new", 0, 9e9, 100)
    assert samples.timestamps_s[0] == START_S + 84, "a day before the newest sample"
    assert len(samples) == 16
    assert rows == []
    assert [event.kind for event in store.events()] == ["new"]
    store.close()


def test_more_rows_than_one_transaction_deletes_are_deleted(store: Store):
    write(store, sample_report("a", 0, 12_000), sample_report("b", 0, 10))
    write(store, sample_report("a", 2 * DAY_S, 5))
    store.tidy()
    assert len(store.history("a", 0, 9e9, 20_000)[0]) == 5
    assert len(store.history("b", 0, 9e9, 20_000)[0]) == 10
