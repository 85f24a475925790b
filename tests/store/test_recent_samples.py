import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from pba.store import LinkContext, SampleReport, Store, WriteBatch
from pba.store.recent_samples import KeptSamples, SampleCache, Samples
from tests.store.builders import NOW_S, START_S, sample_report, write

RETENTION_US = 10**12


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pba.db"


@pytest.fixture
def file_store(path: Path) -> Iterator[Store]:
    with closing(Store(f"sqlite:///{path}", lambda: NOW_S).ready()) as store:
        yield store


def kept(count: int = 3, newest_us: int = 2_000_000) -> KeptSamples:
    """Return samples of a link, one a second, the last at ``newest_us``."""
    at_us = newest_us - 1_000_000 * np.arange(count)[::-1]
    return KeptSamples(1, newest_us, 5, Samples(at_us, np.ones((count, 5))))


def delete_samples(path: Path) -> None:
    """Delete all samples behind the store's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM samples")
        connection.commit()


def times(context: LinkContext) -> list[float]:
    seconds: list[float] = (context.history.timestamps_s - START_S).tolist()
    return seconds


def test_samples_of_a_link_that_has_not_changed_are_not_read_again(file_store: Store, path: Path):
    write(file_store, sample_report("a", 0, 70))
    before = file_store.link_contexts(["a"])["a"]
    delete_samples(path)
    after = file_store.link_contexts(["a"])["a"]
    assert times(after) == times(before) == list(range(10, 70))
    np.testing.assert_array_equal(after.history.telemetry, before.history.telemetry)


def test_a_report_completes_the_samples_that_are_kept(file_store: Store, path: Path):
    write(file_store, sample_report("a", 0, 70))
    file_store.link_contexts(["a"])
    delete_samples(path)
    write(file_store, sample_report("a", 70, 2, mbps=7.0))
    context = file_store.link_contexts(["a"])["a"]
    assert times(context) == list(range(12, 72))
    assert context.history.telemetry[-3:, 0].tolist() == [50.0, 7.0, 7.0]


def test_a_report_that_requests_contexts_has_its_samples_kept(file_store: Store, path: Path):
    file_store.write(WriteBatch([sample_report("a", 0, 5)], with_contexts=True))
    delete_samples(path)
    (receipt,) = file_store.write(WriteBatch([sample_report("a", 5, 1)], with_contexts=True))
    assert receipt.context is not None
    assert times(receipt.context) == [0, 1, 2, 3, 4, 5]


def test_samples_that_tidying_will_delete_are_not_kept(file_store: Store):
    day_s = 86_400
    old, new = sample_report("a", 0, 2), sample_report("a", 31 * day_s, 2)
    write(file_store, old)
    write(file_store, new)
    assert len(file_store.link_contexts(["a"])["a"].history) == 4
    file_store.tidy()
    assert times(file_store.link_contexts(["a"])["a"]) == [31 * day_s, 31 * day_s + 1]


def test_two_stores_and_one_that_keeps_nothing_always_agree(url: str):
    clock = [NOW_S]
    with contextlib.ExitStack() as stack:
        caches = SampleCache(), SampleCache(), SampleCache(links=0)
        *stores, oracle = (
            stack.enter_context(closing(Store(url, lambda: clock[0], 1.0, cache=cache).ready()))
            for cache in caches
        )
        random = np.random.default_rng(5)
        for step in range(150):
            if random.random() < 0.3:  # mostly the clock stands still, as for reports at one time
                clock[0] += float(random.integers(1, 40))
            _change(stores[random.integers(2)], random, step)
            expected = oracle.link_contexts(["a", "b"])
            for store in stores:
                _assert_same(store.link_contexts(["a", "b"]), expected)


def _change(store: Store, random: np.random.Generator, step: int) -> None:
    """Report new, late, repeated or future samples, or delete or tidy."""
    name = "ab"[random.integers(2)]
    draw = random.random()
    if draw < 0.03 and step > 2:
        if store.link_contexts([name]):
            store.delete(name)
    elif draw < 0.06:
        store.tidy()
    else:
        now_s = store._clock()
        ahead_s = 300.0 if draw > 0.97 else 0.0
        count = int(random.integers(1, 30))
        at_s = now_s + ahead_s - random.choice([0.0, 0.5, 90.0, 80_000.0]) - np.arange(count) / 2
        reports = [SampleReport(name, at_s, _telemetry(random, count))]
        store.write(WriteBatch(reports, with_contexts=bool(random.random() < 0.3)))


def _telemetry(random: np.random.Generator, count: int) -> np.ndarray:
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, :2] = random.uniform(1.0, 100.0, (count, 2))
    return telemetry


def _assert_same(some: dict[str, LinkContext], others: dict[str, LinkContext]) -> None:
    assert some.keys() == others.keys()
    for name, one in some.items():
        np.testing.assert_array_equal(one.history.timestamps_s, others[name].history.timestamps_s)
        np.testing.assert_array_equal(one.history.telemetry, others[name].history.telemetry)
        assert one.mode is others[name].mode


def test_links_that_are_used_stay_and_idle_ones_make_room():
    cache = SampleCache(links=2, idle_us=100)
    cache.keep({"a": kept(), "b": kept()}, 0, RETENTION_US)
    cache.keep({"c": kept()}, 99, RETENTION_US)
    assert _names(cache, "abc", 99) == ["a", "b"]
    assert _names(cache, "b", 150) == ["b"]
    cache.keep({"c": kept()}, 200, RETENTION_US)
    assert _names(cache, "abc", 200) == ["b", "c"]


def _names(cache: SampleCache, names: Sequence[str], now_us: int) -> list[str]:
    return sorted(cache.of(names, now_us))


def test_samples_that_must_not_be_kept_replace_what_was():
    cache = SampleCache()
    cache.keep({"a": kept()}, 0, RETENTION_US)
    cache.keep({"a": kept(count=4)}, 0, 2_500_000)
    assert cache.of(["a"], 0) == {}


def test_kept_samples_are_no_part_of_a_larger_read_and_cannot_be_changed():
    table = np.ones((1000, 7))
    at_us = np.arange(1000)
    cache = SampleCache()
    window = Samples(at_us[:60], table[:60, 2:])
    cache.keep({"a": KeptSamples(1, 59, 5, window)}, 0, RETENTION_US)
    samples = cache.of(["a"], 0)["a"].samples
    assert samples.at_us.base is None
    assert samples.telemetry.base is None
    with pytest.raises(ValueError, match="read-only"):
        samples.telemetry[0, 0] = 2.0


def test_samples_are_completed_in_the_order_of_time():
    samples = Samples(np.array([10, 20]), np.array([[1.0] * 5, [2.0] * 5]))
    completed = samples.completed({5: [0.5] * 5, 15: [1.5] * 5, 30: [3.0] * 5})
    assert completed.at_us.tolist() == [5, 10, 15, 20, 30]
    assert completed.telemetry[:, 0].tolist() == [0.5, 1.0, 1.5, 2.0, 3.0]
    assert samples.completed({30: [3.0] * 5}).at_us.tolist() == [10, 20, 30]


def test_of_completed_samples_the_last_are_returned_if_a_count_is_given():
    samples = Samples(np.array([10, 20]), np.array([[1.0] * 5, [2.0] * 5]))
    new = {30: [3.0] * 5, 40: [4.0] * 5}
    assert [samples.completed(new, count).at_us.tolist() for count in (1, 2, 3, 9)] == [
        [40],
        [30, 40],
        [20, 30, 40],
        [10, 20, 30, 40],
    ]
    assert samples.completed({15: [1.5] * 5}, 2).telemetry[:, 0].tolist() == [1.5, 2.0]
    assert samples.completed({}, 1).at_us.tolist() == [20]
