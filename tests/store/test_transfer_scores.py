"""Recorded transfers are read when they are due, closed once, and summed by link and mode."""

from dataclasses import replace

import numpy as np
import pytest

from pba.scoring.transfer_sums import UNSCORED, RecordedTransfer, TransferSums
from pba.store import Store, WriteBatch
from pba.store.transfer_tables import link_transfers, open_transfers, transfer_totals
from pba.store.transfer_writes import FIRST_LOOK_S, MOST_OPEN
from tests.store.builders import NOW_S, START_S, sample_report, write
from tests.store.deltas import rows_of

QUANTILES_S = (5.0, 6.0, 8.0, 10.0, 12.0, 15.0, float("inf"))
INSIDE = TransferSums(1, 0, 0, 1.0)


def recorded(link_id: str = "a", after: int = 0, size: int = 10**9) -> RecordedTransfer:
    """Return a transfer that a Monitor looks at now."""
    created_s = NOW_S - FIRST_LOOK_S
    return RecordedTransfer(
        link_id, START_S + after, created_s, "internet", 1.0, size, None, QUANTILES_S
    )


def record(store: Store, *transfers: RecordedTransfer) -> None:
    store.write(WriteBatch(transfers=transfers))


def test_a_transfer_is_read_as_it_was_recorded_once_it_is_due(store: Store):
    write(store, sample_report("a", 0, 3))
    known = replace(recorded(), deadline_s=1e9, size_bytes=10**18)
    record(store, known, replace(recorded(after=1), created_s=NOW_S))
    (one,) = store.jobs.due_transfers(10)
    assert one.transfer == known
    assert store.summary()["transfers"]["open"] == 2


def test_a_transfer_is_recorded_beside_samples(store: Store):
    report = sample_report("a", 0, 3)
    store.write(WriteBatch([report], transfers=[recorded(), recorded("unknown")]))
    assert [one.transfer.link_id for one in store.jobs.due_transfers(10)] == ["a"]


def test_a_link_has_a_few_open_transfers_at_most(store: Store):
    write(store, sample_report("a", 0, 3), sample_report("b", 0, 3))
    record(store, *(recorded(size=size) for size in range(1, 8)), recorded("b"))
    record(store, recorded(size=1), recorded(size=100), recorded("b", after=1))
    counts = [one.transfer.link_id for one in store.jobs.due_transfers(100)]
    assert (counts.count("a"), counts.count("b")) == (MOST_OPEN, 2)


def test_a_transfer_is_closed_once(store: Store):
    write(store, sample_report("a", 0, 3))
    record(store, recorded(), recorded(after=1), recorded(after=2))
    first, second, third = store.jobs.due_transfers(10)
    later_us = round((NOW_S + 60.0) * 1e6)
    closed = [(first, INSIDE), (second, TransferSums(1, 1, 0, 0.5, 0.0, 0.5))]
    assert store.jobs.write_transfers(closed, [(third, later_us)]) == 2
    assert store.jobs.write_transfers([(first, INSIDE)], [(second, later_us)]) == 0
    assert store.jobs.due_transfers(10) == []
    (left,) = rows_of(store, open_transfers)
    assert left["look_us"] == later_us
    sums = {"scored": 2, "censored": 1, "unscored": 0, "coverage_80": 0.75}
    sums |= {"faster": 0.0, "slower": 0.25}
    assert store.link("a").as_dict()["transfers"] == sums
    assert store.summary()["transfers"] == {"open": 1, **sums, "modes": {"internet": sums}}


def test_what_is_known_of_all_transfers_outlives_a_link(store: Store):
    write(store, sample_report("a", 0, 3))
    record(store, recorded(), recorded(after=1))
    first, second = store.jobs.due_transfers(10)
    store.jobs.write_transfers([(first, INSIDE)], [])
    store.delete("a")
    assert store.jobs.write_transfers([(second, UNSCORED)], []) == 0
    assert rows_of(store, link_transfers) == rows_of(store, open_transfers) == []
    assert [row["scored"] for row in rows_of(store, transfer_totals)] == [1.0]


def test_the_samples_of_a_transfer_begin_with_it(store: Store):
    marks = np.arange(30) == 12
    write(store, replace(sample_report("a", 0, 30), during_transfer=marks))
    record(store, recorded(after=10))
    (one,) = store.jobs.due_transfers(10)
    samples = store.jobs.transfer_samples(one, 5.0)
    assert (samples.timestamps_s - START_S).tolist() == [10, 11, 12, 13, 14, 15]
    assert samples.during_transfer.tolist() == [False, False, True, False, False, False]
    assert samples.rate_mbps.tolist() == pytest.approx([50.0] * 6)


def test_a_link_without_transfers_has_none_scored(store: Store):
    write(store, sample_report("a", 0, 3))
    assert store.links(None, "", 10)[0].transfers == TransferSums()
    assert store.summary()["transfers"]["scored"] == 0
