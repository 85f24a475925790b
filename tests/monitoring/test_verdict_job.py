"""Blocks of the rollout's test are closed once, in order, and their first verdict stands."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, text

from pba.monitoring.verdict_job import VerdictJob
from pba.rollout.sequential_test import BLOCKS_NEEDED, evidence_after_blocks
from pba.security import Author
from pba.store import Store
from pba.store.verdict_tables import link_pair_sums, verdict_blocks
from tests.monitoring.blocks import (
    BLOCK_S,
    DATACENTER,
    INTERNET,
    Clock,
    add_pairs,
    better,
    close_block,
    run_blocks,
)
from tests.store.builders import NOW_S, write_both_arms
from tests.store.deltas import append, rows_of
from tests.support.databases import new_file

AUTHOR = Author("anna", "operator")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store(new_file(tmp_path / "pba.db"), clock, verdict_block_s=BLOCK_S).ready()
    store.change_flags({"shadow": True}, 0, AUTHOR)
    yield store
    store.close()


def test_closed_blocks_have_the_evidence_of_the_test(store: Store, clock: Clock):
    nets = [3, -1, 5, 2, 0, 4]
    run_blocks(store, clock, nets)
    rows = rows_of(store, verdict_blocks)
    assert [row["block"] for row in rows] == list(range(7))
    assert np.diff([row["net"] for row in rows]).tolist() == nets
    expected = evidence_after_blocks(np.array([nets]))
    assert [row["evidence"] for row in rows[1:]] == pytest.approx(expected.tolist())
    report = store.compare()["overall"]
    assert (report["blocks"], report["blocks_needed"], report["block_s"]) == (6, 14, BLOCK_S)
    assert report["evidence"] == pytest.approx(expected[-1])
    assert (report["verdict"], report["decides_at"]) == ("undecided", 20.0)


def test_no_verdict_before_enough_blocks_and_the_first_one_stands(store: Store, clock: Clock):
    run_blocks(store, clock, better(BLOCKS_NEEDED - 1))
    assert store.compare()["overall"]["verdict"] == "undecided"
    run_blocks(store, clock, better(1))
    assert store.compare()["overall"]["verdict"] == "better"
    assert store.compare()["modes"]["internet"]["verdict"] == "better", "the only mode is all"
    run_blocks(store, clock, [-40] * 30)
    report = store.compare()["overall"]
    assert report["v3_only"] < report["v1_only"]
    assert report["verdict"] == "better"


def test_a_block_is_closed_once_it_has_ended(store: Store, clock: Clock):
    add_pairs(store, clock, 5)
    clock.now_s += BLOCK_S - 1.0
    VerdictJob(store).run()
    assert store.compare()["overall"]["blocks"] == 0
    clock.now_s += 1.0
    VerdictJob(store).run()
    assert store.compare()["overall"]["blocks"] == 1


def test_time_without_pairs_is_no_block(store: Store, clock: Clock):
    run_blocks(store, clock, [5])
    for _ in range(3):
        close_block(store, clock)
    clock.now_s += BLOCK_S / 2
    add_pairs(store, clock, 7)
    VerdictJob(store).run()
    assert store.compare()["overall"]["blocks"] == 1, "the block in which pairs came has not ended"
    clock.now_s += BLOCK_S / 2
    VerdictJob(store).run()
    first, second = rows_of(store, verdict_blocks)[1:]
    assert second["ended_us"] - first["ended_us"] == BLOCK_S * 1e6, "the first ends where it begins"
    assert second["ended_us"] / 1e6 == NOW_S + 5 * BLOCK_S
    assert (second["units"], second["net"]) == (2, 12)


def test_a_late_pair_counts_in_the_block_in_which_it_is_added_up(store: Store, clock: Clock):
    created_s = clock.now_s
    run_blocks(store, clock, [5])
    closed = rows_of(store, verdict_blocks)
    now_s, clock.now_s = clock.now_s, created_s
    add_pairs(store, clock, 3)
    clock.now_s = now_s
    close_block(store, clock)
    rows = rows_of(store, verdict_blocks)
    assert rows[: len(closed)] == closed
    assert rows[-1]["net"] == 8


def test_folding_changes_no_block(store: Store, clock: Clock):
    add_pairs(store, clock, 5)
    while store.jobs.fold(1):
        pass
    add_pairs(store, clock, 2)
    close_block(store, clock)
    assert rows_of(store, verdict_blocks)[-1]["net"] == 7


def test_of_two_monitors_one_closes_a_block(store: Store, clock: Clock):
    add_pairs(store, clock, 5)
    clock.now_s += BLOCK_S
    first = store.jobs.due_block()
    add_pairs(store, clock, 7)
    VerdictJob(store).run()
    rows = rows_of(store, verdict_blocks)
    assert first is not None
    late = {"mode": -1, "pairs": 100, "net": 5, "units": 1, "links": 0}
    late |= {"evidence": 99.0, "verdict": "better"}
    assert not store.jobs.write_block(first, [late])
    assert rows_of(store, verdict_blocks) == rows


def test_modes_are_tests_of_their_own_that_share_the_threshold(store: Store, clock: Clock):
    for net in better(BLOCKS_NEEDED):
        add_pairs(store, clock, net, mode=DATACENTER)
        add_pairs(store, clock, -net, mode=INTERNET)
        close_block(store, clock)
    report = store.compare()
    assert report["overall"]["verdict"] == "undecided"
    assert report["overall"]["decides_at"] == 60.0
    undecided = {name: part["verdict"] for name, part in report["modes"].items()}
    assert undecided == dict.fromkeys(("datacenter", "internet"), "undecided"), "20 is too few"
    for net in better(6):
        add_pairs(store, clock, net, mode=DATACENTER)
        add_pairs(store, clock, -net, mode=INTERNET)
        close_block(store, clock)
    modes = store.compare()["modes"]
    assert (modes["datacenter"]["verdict"], modes["internet"]["verdict"]) == ("better", "worse")


def test_a_mode_that_comes_later_has_only_its_own_blocks(store: Store, clock: Clock):
    run_blocks(store, clock, [5, 4])
    run_blocks(store, clock, [3, 2], mode=DATACENTER)
    report = store.compare()
    assert report["overall"]["blocks"] == 4
    assert report["modes"]["datacenter"]["blocks"] == 2
    rows = [row for row in rows_of(store, verdict_blocks) if row["mode"] == DATACENTER]
    expected = evidence_after_blocks(np.array([[3, 2]]))
    assert [row["evidence"] for row in rows] == pytest.approx(expected.tolist())


def test_a_change_of_flags_begins_a_new_comparison(store: Store, clock: Clock):
    run_blocks(store, clock, better(BLOCKS_NEEDED))
    assert store.compare()["overall"]["verdict"] == "better"
    add_pairs(store, clock, 50)
    clock.now_s += BLOCK_S / 2
    due_before = store.jobs.due_block()
    store.change_flags({"v3_rollout_percentage": 10}, 1, AUTHOR)
    clock.now_s += BLOCK_S / 2
    VerdictJob(store).run()
    report = store.compare()["overall"]
    assert due_before is None
    assert (report["blocks"], report["verdict"], report["evidence"]) == (0, "undecided", 1.0)
    run_blocks(store, clock, [4])
    assert rows_of(store, verdict_blocks)[-1]["net"] == 4, "pairs from before do not count"


def test_a_block_that_a_change_of_flags_has_overtaken_counts_for_nobody(store: Store, clock: Clock):
    add_pairs(store, clock, 5)
    clock.now_s += BLOCK_S
    due = store.jobs.due_block()
    assert due is not None
    store.change_flags({"v3_rollout_percentage": 10}, 1, AUTHOR)
    row = {"mode": -1, "pairs": 100, "net": 5, "units": 1, "links": 0}
    assert store.jobs.write_block(due, [row | {"evidence": 99.0, "verdict": "better"}])
    assert store.compare()["overall"]["verdict"] == "undecided"


def test_the_length_of_a_block_is_that_of_the_last_change_of_the_flags(
    store: Store, clock: Clock, tmp_path: Path
):
    other = Store(f"sqlite:///{tmp_path}/pba.db", clock, verdict_block_s=60.0)
    run_blocks(other, clock, [5, 5])
    assert other.compare()["overall"]["block_s"] == BLOCK_S
    clock.now_s += 1.0
    other.change_flags({"v3_rollout_percentage": 10}, 1, AUTHOR)
    assert store.compare()["overall"]["block_s"] == 60.0
    other.close()


@pytest.mark.parametrize("changed", [True, False])
def test_after_an_upgrade_blocks_count_from_the_first_look(
    store: Store, clock: Clock, changed: bool
):
    def forget(connection: Connection) -> None:
        connection.execute(text("DELETE FROM verdict_blocks"))
        if not changed:
            connection.execute(text("DELETE FROM flags"))

    add_pairs(store, clock, 70)
    store._database.write(forget)
    clock.now_s += 5 * BLOCK_S
    VerdictJob(store).run()
    assert store.compare()["overall"]["blocks"] == 0
    run_blocks(store, clock, [4, 3])
    rows = rows_of(store, verdict_blocks)
    assert np.diff([row["net"] for row in rows]).tolist() == [4, 3]
    assert (rows[0]["units"], rows[-1]["units"]) == (0, 2)


def test_links_are_units_too(store: Store, clock: Clock):
    since_us = round(clock.now_s * 1e6)
    totals = [{"link": 1, "net": 140}, *({"link": n, "net": 0} for n in range(2, 17))]
    same = {"mode": INTERNET, "since_us": since_us}
    append(store, link_pair_sums, [row | same for row in totals])
    run_blocks(store, clock, better(2 * BLOCKS_NEEDED))
    report = store.compare()["overall"]
    assert (report["verdict"], report["links"]) == ("undecided", 16)
    assert report["evidence"] < 2.0, "one link speaks for all"


def test_sums_of_links_count_since_the_last_change_of_the_flags(store: Store, clock: Clock):
    clock.now_s += 1.0
    write_both_arms(store, [100.0] * 5, [50.0] * 5, created_s=clock.now_s)
    write_both_arms(store, [50.0] * 2, [100.0] * 2, first=130, created_s=clock.now_s)
    (row,) = rows_of(store, link_pair_sums)
    assert (row["net"], row["mode"]) == (3, INTERNET)
    clock.now_s += 1.0
    store.change_flags({"v3_rollout_percentage": 10}, 1, AUTHOR)
    write_both_arms(store, [50.0], [50.0], first=200, created_s=clock.now_s - 0.5)
    assert rows_of(store, link_pair_sums) == [row], "the pair is from before the change"
    write_both_arms(store, [50.0], [50.0], first=270, created_s=clock.now_s + 0.5)
    (after,) = rows_of(store, link_pair_sums)
    assert (after["net"], after["since_us"]) == (0, round(clock.now_s * 1e6))


def test_what_the_verdict_rests_on_outlives_the_retention(store: Store, clock: Clock):
    run_blocks(store, clock, better(BLOCKS_NEEDED - 1))
    while store.jobs.fold(1000):
        pass
    clock.now_s += 40 * 86_400.0
    VerdictJob(store).run()
    store.tidy()
    run_blocks(store, clock, better(1))
    report = store.compare()["overall"]
    assert (report["verdict"], report["blocks"]) == ("better", BLOCKS_NEEDED)
    clock.now_s += 1.0
    store.change_flags({"v3_rollout_percentage": 10}, 1, AUTHOR)
    clock.now_s += 40 * 86_400.0
    store.tidy()
    assert [row["block"] for row in rows_of(store, verdict_blocks)] == [0]
