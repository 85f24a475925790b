"""A rollout takes a step only when the comparison of the arms is decided and flags allow it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pba.errors import Conflict
from pba.monitoring.progressive_rollout import STEPS, step_rollout
from pba.rollout.sequential_test import BLOCKS_NEEDED
from pba.security import Author
from pba.store import Store
from tests.monitoring.blocks import BLOCK_S, Clock, better, run_blocks
from tests.support.databases import new_file

BETTER = better(BLOCKS_NEEDED)
WORSE = [-net for net in BETTER]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store(new_file(tmp_path / "pba.db"), clock, verdict_block_s=BLOCK_S).ready()
    yield store
    store.close()


def set_flags(store: Store, **changes: Any) -> None:
    store.change_flags(
        {"shadow": True, **changes}, store.flags().version, Author("anna", "operator")
    )


def test_without_evidence_there_is_no_step(store: Store):
    set_flags(store, v3_rollout_percentage=0, automatic_steps=True, automatic_return=True)
    assert step_rollout(store) is None


@pytest.mark.parametrize(("before", "after"), [(0, 10), (7, 10), (10, 50), (50, 100)])
def test_where_v3_is_better_the_next_step_is_taken(
    store: Store, clock: Clock, before: int, after: int
):
    set_flags(store, v3_rollout_percentage=before, automatic_steps=True)
    run_blocks(store, clock, BETTER)
    state = step_rollout(store)
    assert state is not None
    assert state == store.flags()
    assert (state.flags.v3_rollout_percentage, state.changed_by) == (after, "automatic rollout")
    row = store.audit.rows(1)[0]
    assert (row.who, row.role, row.action) == ("automatic rollout", "service", "flags_changed")
    because = store.events("flags_changed")[0].body["because"]
    assert because["overall"]["verdict"] == because["internet"]["verdict"] == "better"


def test_after_the_last_step_there_is_none(store: Store, clock: Clock):
    set_flags(store, v3_rollout_percentage=STEPS[-1], automatic_steps=True)
    run_blocks(store, clock, BETTER)
    assert step_rollout(store) is None


def test_each_step_needs_evidence_of_its_own(store: Store, clock: Clock):
    set_flags(store, v3_rollout_percentage=0, automatic_steps=True)
    run_blocks(store, clock, BETTER)
    assert step_rollout(store) is not None
    assert step_rollout(store) is None


def test_where_v3_is_worse_all_links_return_to_v1(store: Store, clock: Clock):
    set_flags(store, v3_rollout_percentage=50, automatic_steps=True, automatic_return=True)
    run_blocks(store, clock, WORSE)
    state = step_rollout(store)
    assert state is not None
    assert state.flags.v3_rollout_percentage == 0
    assert not state.flags.automatic_steps, "nobody has found the reason yet"
    assert step_rollout(store) is None


@pytest.mark.parametrize(
    ("flags", "nets", "verdict"),
    [
        ({}, BETTER, "better"),
        ({"automatic_return": True}, BETTER, "better"),
        ({"automatic_steps": True}, WORSE, "worse"),
    ],
)
def test_without_its_flag_a_step_is_not_taken(
    store: Store, clock: Clock, flags: dict[str, bool], nets: list[int], verdict: str
):
    set_flags(store, v3_rollout_percentage=10, **flags)
    run_blocks(store, clock, nets)
    assert step_rollout(store) is None
    assert store.compare()["overall"]["verdict"] == verdict
    assert store.flags().flags.v3_rollout_percentage == 10


def test_a_change_of_flags_in_the_meantime_has_precedence(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    def conflict(*_: object) -> None:
        raise Conflict("changed meanwhile", "version")

    set_flags(store, v3_rollout_percentage=0, automatic_steps=True)
    run_blocks(store, clock, BETTER)
    monkeypatch.setattr(store, "change_flags", conflict)
    assert step_rollout(store) is None
