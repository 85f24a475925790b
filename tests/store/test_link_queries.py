"""Links are read by name, in pages and by mode."""

import numpy as np
import pytest
from sqlalchemy import select, update

from pba.errors import InvalidInput, NotFound
from pba.forecasting.link_record import LinkRecord
from pba.security import EVERYTHING
from pba.store import SampleReport, Store, WriteBatch, link_queries
from pba.store.tables import links, records
from pba.types import NetworkMode
from tests.store.builders import START_S, sample_report, settle, stored_forecast, write


def test_an_unknown_link_is_refused_or_left_out(store: Store):
    assert store.link_contexts(["nobody"]) == {}
    for call in (store.link, store.delete, lambda name: store.history(name, 0, 9e9, 1)):
        with pytest.raises(NotFound, match="no link is called 'nobody'.*POST"):
            call("nobody")


def test_links_are_listed_in_pages_and_by_mode(store: Store):
    fast = [sample_report(f"fast{number}", 0, 20, mbps=5000.0) for number in range(3)]
    write(store, *fast, *(sample_report(f"slow{number}", 0, 20) for number in range(3)))
    first = store.links(None, "", 4)
    rest = store.links(None, first[-1].link_id, 4)
    names = [link.link_id for link in first + rest]
    assert names == ["fast0", "fast1", "fast2", "slow0", "slow1", "slow2"]
    datacenter = store.links(NetworkMode.DATACENTER, "", 10)
    assert [link.link_id for link in datacenter] == ["fast0", "fast1", "fast2"]


def test_a_context_has_the_samples_and_the_record_of_its_own_link(store: Store):
    reports = [sample_report(f"l{number}", number, 70, mbps=10.0 + number) for number in range(3)]
    write(store, *reports, sample_report("short", 0, 4))
    write(store, forecasts=[stored_forecast("l1", 60, 11.0)])
    settle(store)
    contexts = store.link_contexts(["l2", "short", "l1", "unknown"])
    assert set(contexts) == {"l2", "short", "l1"}
    times = START_S + 2 + np.arange(10.0, 70.0)
    np.testing.assert_array_equal(contexts["l2"].history.timestamps_s, times)
    assert set(contexts["l1"].history.telemetry[:, 0]) == {11.0}
    assert len(contexts["short"].history) == 4
    assert [contexts[name].record.hits for name in ("l1", "l2")] == [1, 0]


def test_receipts_have_the_records_that_a_batch_requests(store: Store):
    write(store, sample_report("l1", 0, 70))
    write(store, forecasts=[stored_forecast("l1", 60, 100.0)])
    settle(store)
    record = store.link_contexts(["l1"])["l1"].record
    reports = [sample_report("l1", 70, 1), sample_report("new", 0, 1)]
    receipts = store.write(WriteBatch(reports, with_records=True))
    assert record.scored == 1
    assert [receipt.record for receipt in receipts] == [record, LinkRecord()]
    (plain,) = store.write(WriteBatch([sample_report("l1", 71, 1)]))
    assert plain.record is None


@pytest.mark.parametrize("step_s", [1.0, 15.0])
def test_receipts_have_what_a_forecast_starts_from_after_the_report(store: Store, step_s: float):
    """Also of a link whose samples come in pairs, of which more are read."""
    times_s = START_S + np.sort(np.r_[step_s * np.arange(200), step_s * np.arange(200) + 0.9])
    telemetry = np.full((400, 5), 40.0) * [1, 1, 0.001, 0.1, 1]
    parts = [(times_s[:390], telemetry[:390]), (times_s[388:], telemetry[388:])]
    first, second = (SampleReport("a", *part) for part in parts)
    write(store, first)
    reports = [second, sample_report("new", 0, 3)]
    receipts = store.write(WriteBatch(reports, with_contexts=True))
    contexts = store.link_contexts(["a", "new"])
    assert [receipt.accepted for receipt in receipts] == [10, 3]
    for report, receipt in zip(reports, receipts, strict=True):
        context, expected = receipt.context, contexts[report.link_id]
        assert context is not None
        assert (context.mode, context.record) == (expected.mode, expected.record)
        for name in ("timestamps_s", "telemetry"):
            result, stored = getattr(context.history, name), getattr(expected.history, name)
            np.testing.assert_array_equal(result, stored)
    assert store.write(WriteBatch([second]))[0].context is None


def test_more_links_than_one_statement_can_name_are_read(store: Store):
    names = [f"l{number:04}" for number in range(1001)]
    write(store, *(sample_report(name, 0, 1) for name in names))
    assert sorted(store.link_contexts(names)) == names


def test_links_are_searched_in_any_case_and_sorted_by_their_silence(store: Store):
    minutes = {"FRA1:a": 5, "fra1:b": 1, "ams2:c": 3, "fra1:d": 1, "x_y": 2, "xzy": 4}
    last_s = {name: 60 * minute for name, minute in minutes.items()}
    for name, second in last_s.items():
        write(store, sample_report(name, second, 1))

    for count in (1, 2, 10):
        assert pages(store, count, "fra1", "name") == ["FRA1:a", "fra1:b", "fra1:d"]
        assert pages(store, count, "Fra1", "silent") == ["fra1:b", "fra1:d", "FRA1:a"]
        by_silence = [*sorted(last_s, key=lambda name: last_s[name])]
        assert pages(store, count, "", "silent") == by_silence, "in the same minute by their keys"
    assert pages(store, 10, "_", "name") == ["x_y"], "no letter stands for others"
    with pytest.raises(InvalidInput, match="cursor is 'fra1:a'"):
        store.links(None, "fra1:a", 5, EVERYTHING, "", "silent")


def pages(
    store: Store, count: int, search: str = "", sort: str = "name", mode: NetworkMode | None = None
) -> list[str]:
    """Return the names of all links in an order, read in pages."""
    names, cursor = [], ""
    while page := store.links(mode, cursor, count, EVERYTHING, search, sort):
        names += [state.link_id for state in page]
        cursor = page[-1].cursor
    return names


@pytest.mark.parametrize("few", [1000, 2])
def test_links_are_sorted_by_accuracy_and_drift_the_worst_first(
    store: Store, few: int, monkeypatch: pytest.MonkeyPatch
):
    """Whether those that are searched for are few, and so named, or many."""
    monkeypatch.setattr(link_queries, "_FEW", few)
    hits = {"fra1:a": 2, "fra1:b": 0, "ams2:c": 4, "fra1:d": 2, "ams2:e": None, "fra1:f": 4}
    for name, right in hits.items():
        write(store, sample_report(name, 0, 70))
        if right is not None:
            rates = [50.0] * right + [5.0] * (4 - right)
            forecasts = [stored_forecast(name, 50 + at, rate) for at, rate in enumerate(rates)]
            write(store, sample_report(name, 70, 1), forecasts=forecasts)
    settle(store)
    sizes = {"fra1:d": 0.25, "ams2:c": 1.5, "fra1:f": 0.25}
    for name, size in sizes.items():
        _set_drift(store, name, size)
    worst = ["fra1:b", "fra1:a", "fra1:d", "ams2:c", "fra1:f", "ams2:e"]
    drifted = ["ams2:c", "fra1:f", "fra1:d", "fra1:b", "fra1:a", "ams2:e"]
    assert store.link("ams2:c").as_dict()["drift"] == 1.5
    assert store.link("fra1:a").as_dict()["drift"] is None
    for count in (1, 2, 5, 10):
        assert pages(store, count, "", "accuracy") == worst
        assert pages(store, count, "", "drift") == drifted
        for sort, names in (("accuracy", worst), ("drift", drifted)):
            ours = [name for name in names if name.startswith("ams2")]
            assert pages(store, count, "AMS2", sort) == ours
            assert pages(store, count, "", sort, NetworkMode.DATACENTER) == []
            assert pages(store, count, "", sort, NetworkMode.INTERNET) == names
    for cursor in ("fra1:a", "1.5", "1.5:", "x:1", "1:2:3"):
        with pytest.raises(InvalidInput, match="cursor is"):
            store.links(None, cursor, 5, EVERYTHING, "", "accuracy")


def _set_drift(store: Store, name: str, size: float) -> None:
    key = select(links.c.id).where(links.c.link_id == name).scalar_subquery()
    change = update(records).where(records.c.link == key).values(drift_size=size)
    store._database.write(lambda connection: connection.execute(change))
