"""Links are read by name, in pages and by mode."""

import numpy as np
import pytest

from pba.errors import InvalidInput, NotFound
from pba.forecasting.link_record import LinkRecord
from pba.security import EVERYTHING
from pba.store import SampleReport, Store, WriteBatch
from pba.store.link_queries import link_cursor
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
    last_s = {"FRA1:a": 50, "fra1:b": 10, "ams2:c": 30, "fra1:d": 10, "x_y": 20, "xzy": 40}
    for name, second in last_s.items():
        write(store, sample_report(name, second, 1))

    def pages(count: int, search: str, sort: str) -> list[str]:
        names, cursor = [], ""
        while page := store.links(None, cursor, count, EVERYTHING, search, sort):
            names += [state.link_id for state in page]
            cursor = link_cursor(page[-1], sort)
        return names

    for count in (1, 2, 10):
        assert pages(count, "fra1", "name") == ["FRA1:a", "fra1:b", "fra1:d"]
        assert pages(count, "Fra1", "silent") == ["fra1:b", "fra1:d", "FRA1:a"]
        assert pages(count, "", "silent") == sorted(last_s, key=lambda name: (last_s[name], name))
    assert pages(10, "_", "name") == ["x_y"], "no letter stands for others"
    with pytest.raises(InvalidInput, match="cursor is 'fra1:a'"):
        store.links(None, "fra1:a", 5, EVERYTHING, "", "silent")
