"""Samples are stored once, and every caller gets a receipt for its own."""

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pba.security import Author
from pba.store import Receipt, SampleReport, Store
from pba.types import NetworkMode
from tests.store.builders import NOW_S, START_S, sample_report, write

INTERNET = NetworkMode.INTERNET


def test_samples_are_stored_once_and_read_back_unchanged(store: Store):
    report = sample_report("a", 0, 70, rtt_ms=12.5)
    assert write(store, report) == [Receipt(70, 0, 0, 0, INTERNET)]
    assert write(store, report) == [Receipt(0, 70, 0, 0, INTERNET)]
    history = store.link_contexts(["a"])["a"].history
    np.testing.assert_array_equal(history.timestamps_s, report.timestamps_s[-60:])
    np.testing.assert_array_equal(history.telemetry, report.telemetry[-60:])


def test_of_two_samples_with_one_timestamp_the_first_is_kept(store: Store):
    report = SampleReport(
        "a", np.array([START_S, START_S]), np.array([[1.0] + [0.5] * 4, [2.0] + [0] * 4])
    )
    assert write(store, report) == [Receipt(1, 1, 0, 0, INTERNET)]
    write(store, sample_report("a", 0, 2, mbps=9.0))
    assert store.link_contexts(["a"])["a"].history.telemetry[:, 0].tolist() == [1.0, 9.0]


def test_each_report_of_a_batch_gets_its_own_receipt(store: Store):
    write(store, sample_report("a", 0, 10))
    receipts = write(
        store, sample_report("a", 5, 10), sample_report("b", 0, 3), sample_report("a", 10, 10)
    )
    counts = [(receipt.accepted, receipt.duplicates) for receipt in receipts]
    assert counts == [(5, 5), (3, 0), (5, 5)]


def test_late_samples_are_counted_and_sorted_in(store: Store):
    write(store, sample_report("a", 10, 5))
    (receipt,) = write(store, sample_report("a", 8, 4))
    assert (receipt.accepted, receipt.duplicates, receipt.late) == (2, 2, 2)
    times = store.link_contexts(["a"])["a"].history.timestamps_s - START_S
    assert times.tolist() == [8, 9, 10, 11, 12, 13, 14]


def test_samples_older_than_the_retention_are_counted_and_not_stored(store: Store):
    write(store, sample_report("a", 200_000, 2))
    (receipt,) = write(store, sample_report("a", 0, 3))
    assert (receipt.accepted, receipt.expired, receipt.late) == (0, 3, 0)
    assert len(store.link_contexts(["a"])["a"].history) == 2


def test_a_mode_changes_when_two_detections_ten_seconds_apart_agree(store: Store):
    def mode_after(first: int, count: int) -> NetworkMode:
        return write(store, sample_report("a", first, count, mbps=5000.0, rtt_ms=1.0))[0].mode

    write(store, sample_report("a", 0, 20))
    assert mode_after(20, 9) is INTERNET, "the next detection is not due"
    assert mode_after(29, 4) is INTERNET, "one detection is not enough"
    assert mode_after(33, 9) is INTERNET
    assert mode_after(42, 4) is NetworkMode.DATACENTER
    (event,) = store.events("mode_switch")
    assert (event.link_id, event.body) == ("a", {"before": "internet", "after": "datacenter"})
    assert store.link("a").mode.switches == 1
    assert store.summary()["mode_switches"] == 1


def test_without_detection_links_keep_their_mode(store: Store):
    write(store, sample_report("fast", 0, 20, mbps=5000.0, rtt_ms=1.0))
    store.change_flags({"enable_mode_detection": False}, 0, Author("anna", "operator"))
    slow, new = write(
        store, sample_report("fast", 20, 40), sample_report("new", 0, 20, mbps=5000.0, rtt_ms=1.0)
    )
    assert (slow.mode, new.mode) == (NetworkMode.DATACENTER, INTERNET)


def test_concurrent_writers_leave_the_rows_that_one_would(store: Store, url: str):
    other = Store(url, lambda: NOW_S, retention_days=1.0).ready()
    parts = [[sample_report(f"l{link}", 10 * part, 15) for link in range(5)] for part in range(20)]

    def work(writer: Store, order: Sequence[int]) -> None:
        for part in order:
            write(writer, *(parts[part] if part % 2 else parts[part][::-1]))

    workers = [
        threading.Thread(target=work, args=(writer, order))
        for writer, order in ((store, range(20)), (other, range(19, -1, -1)))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    other.close()
    for link in range(5):
        samples, _ = store.history(f"l{link}", 0, 9e9, 10_000)
        assert (samples.timestamps_s - START_S).tolist() == list(range(205))


def test_marks_are_stored_with_their_samples(store: Store):
    report = sample_report("a", 0, 3)
    write(store, replace(report, during_transfer=np.array([False, True, True])))
    write(store, replace(sample_report("a", 2, 2), during_transfer=np.array([False, False])))
    samples, _ = store.history("a", START_S, START_S + 10, 100)
    assert samples.during_transfer.tolist() == [False, True, True, False]


def test_samples_without_marks_are_read_without_marks(store: Store):
    write(store, sample_report("a", 0, 3))
    samples, _ = store.history("a", START_S, START_S + 10, 100)
    assert samples.during_transfer is None


def test_of_two_marks_of_one_sample_in_a_batch_the_first_is_kept(store: Store):
    marked, plain = np.array([True]), np.array([False])
    first, second, third = (sample_report(name, 0, 1) for name in "aba")
    write(
        store,
        replace(first, during_transfer=marked),
        replace(second, during_transfer=plain),
        replace(third, during_transfer=plain),
    )
    assert store.history("a", 0, 9e9, 1)[0].during_transfer.tolist() == [True]
    assert store.history("b", 0, 9e9, 1)[0].during_transfer is None
