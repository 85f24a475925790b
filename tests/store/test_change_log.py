"""The log of which links have new samples, on both databases."""

from pba.store import Store
from pba.store.change_log import LinkChange
from tests.store.builders import NOW_S, sample_report, stored_forecast, write


def test_each_transaction_notes_the_links_that_got_new_samples(store: Store):
    assert store.changes.newest() == 0
    write(store, sample_report("b", 0, 3), sample_report("a", 0, 3))
    write(store, sample_report("a", 3, 1))
    first = store.changes.newest() - 1
    assert store.changes.after(0) == [
        LinkChange(first, ("a", "b")),
        LinkChange(first + 1, ("a",)),
    ]
    assert store.changes.after(first) == [LinkChange(first + 1, ("a",))]
    assert store.changes.after(0, 1) == [LinkChange(first, ("a", "b"))]


def test_samples_that_are_there_already_and_forecasts_are_not_noted(store: Store):
    write(store, sample_report("a", 0, 3))
    noted = store.changes.newest()
    write(store, sample_report("a", 0, 3))
    write(store, forecasts=[stored_forecast("a", 2)])
    assert store.changes.newest() == noted


def test_tidying_removes_what_is_older_than_a_minute_and_numbers_go_on(url: str):
    now_s = NOW_S
    store = Store(url, lambda: now_s)
    write(store.ready(), sample_report("a", 0, 3))
    now_s += 50.0
    write(store, sample_report("a", 3, 1))
    now_s += 50.0
    store.tidy()
    (kept,) = store.changes.after(0)
    now_s += 50.0
    store.tidy()
    assert store.changes.after(0) == []
    write(store, sample_report("a", 4, 1))
    assert store.changes.newest() == kept.number + 1
    store.close()
