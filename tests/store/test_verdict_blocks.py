"""Sums of links and closed blocks, in both databases."""

import numpy as np
import pytest

from pba.monitoring.verdict_job import VerdictJob
from pba.security import Author
from pba.store import Store
from pba.store.verdict_tables import OVERALL, link_pair_sums, verdict_blocks
from tests.store.builders import NOW_S, stored_forecast, write, write_both_arms
from tests.store.deltas import append, rows_of

AUTHOR = Author("anna", "operator")
NOW_US = round(NOW_S * 1e6)


def sums(store: Store) -> list[tuple[int, int, int]]:
    return [(row["mode"], row["since_us"], row["net"]) for row in rows_of(store, link_pair_sums)]


def test_each_batch_of_pairs_is_added_to_the_sum_of_its_link(store: Store):
    write_both_arms(store, [100.0] * 4, [50.0] * 4)
    assert sums(store) == [(1, 0, 4)]
    write_both_arms(store, [50.0], [50.0], first=130)
    assert sums(store) == [(1, 0, 4)]
    write_both_arms(store, [50.0, 50.0], [100.0, 50.0], first=200)
    assert sums(store) == [(1, 0, 3)]
    store.change_flags({"shadow": True}, 0, AUTHOR)
    write_both_arms(store, [50.0], [100.0], first=270)
    assert sums(store) == [(1, NOW_US, -1)], "it starts again after a change of the flags"


def test_an_older_change_of_the_flags_does_not_replace_a_newer_one(store: Store):
    write_both_arms(store, [50.0], [50.0])
    (row,) = rows_of(store, link_pair_sums)
    newer = {"since_us": NOW_US + 1, "net": 7}
    store._database.write(
        lambda connection: connection.execute(link_pair_sums.update().values(**newer))
    )
    write_both_arms(store, [100.0], [50.0], first=130)
    assert rows_of(store, link_pair_sums) == [row | newer]


def test_a_deleted_link_has_no_sum(store: Store):
    write_both_arms(store, [50.0], [50.0])
    store.delete("a")
    assert sums(store) == []


def test_sums_from_before_a_change_of_the_flags_are_tidied_away(store: Store):
    write_both_arms(store, [50.0], [50.0])
    store.tidy()
    assert len(sums(store)) == 1
    store.change_flags({"shadow": True}, 0, AUTHOR)
    store.tidy()
    assert sums(store) == []


@pytest.mark.parametrize(("source", "pairs"), [("model", 3), ("expert", 3), ("heuristic", 2)])
def test_pairs_with_a_heuristic_do_not_count(store: Store, source: str, pairs: int):
    write_both_arms(store, [50.0] * 2, [50.0] * 2)
    write(store, forecasts=[stored_forecast("a", 100, source=source, version="")])
    write_both_arms(store, [50.0], [], first=101)
    assert store.compare(0.0)["overall"]["pairs"] == pairs


def test_closing_a_block_reads_links_by_their_totals_over_all_modes(store: Store):
    store.change_flags({"shadow": True}, 0, AUTHOR)
    write_both_arms(store, [50.0], [50.0])
    nets = [(1, 0, 2), (1, 1, 1), (2, 1, 3), (3, 0, -1)]
    store._database.write(lambda connection: connection.execute(link_pair_sums.delete()))
    names = ("link", "mode", "net")
    rows = [dict(zip(names, row, strict=True)) | {"since_us": NOW_US} for row in nets]
    append(store, link_pair_sums, [*rows, {"link": 4, "mode": 0, "net": 9, "since_us": 0}])
    store.jobs._clock = lambda: NOW_S + 1800.0
    due = store.jobs.due_block()
    assert due is not None
    (overall,) = due.tests
    assert (overall.mode, due.block, due.ended_us) == (OVERALL, 1, NOW_US + 1_800_000_000)
    assert np.stack([overall.totals, overall.counts]).tolist() == [[-1, 3], [1, 2]]
    VerdictJob(store).run()
    start, closed = rows_of(store, verdict_blocks)
    assert (start["block"], closed["block"], closed["links"]) == (0, 1, 3)


def test_two_closings_of_one_block_keep_the_first(store: Store):
    store.change_flags({"shadow": True}, 0, AUTHOR)
    write_both_arms(store, [100.0], [50.0])
    store.jobs._clock = lambda: NOW_S + 1800.0
    due = store.jobs.due_block()
    assert due is not None
    row = {"mode": OVERALL, "pairs": 1, "net": 1, "units": 1, "links": 1, "evidence": 1.0}
    both = [row | {"verdict": "undecided"}, row | {"mode": 1, "verdict": "undecided"}]
    assert store.jobs.write_block(due, both)
    assert not store.jobs.write_block(due, [row | {"verdict": "better"}])
    assert {one["verdict"] for one in rows_of(store, verdict_blocks)} == {"undecided"}
    assert store.compare()["overall"]["decides_at"] == pytest.approx(40.0)
