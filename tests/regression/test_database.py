"""A database of version 3.0.0 is read as that version read it, and its links go on."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pba.store import Store
from tests.regression.closeness import PACKED, assert_close
from tests.regression.replay import (
    FIXTURES,
    comparable,
    database,
    fixture,
    series,
    settle_more,
)


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return fixture("store_before.json")


@pytest.fixture
def store(tmp_path: Path, recorded: dict[str, Any]) -> Iterator[Store]:
    path = tmp_path / "pba.db"
    shutil.copy(FIXTURES / "store_before.db", path)
    opened = Store(f"sqlite:///{path}", lambda: recorded["now_s"]).ready()
    yield opened
    opened.close()


def test_all_that_version_3_0_stored_is_read(store: Store, recorded: dict[str, Any]):
    before = recorded["before"] | {"summary": comparable(recorded["before"]["summary"])}
    # Pairs with heuristics counted in 3.0.0: of the comparison of arms only versions are the same.
    versions = before.pop("compare")["versions"]
    state = database(store, recorded["link_id"])
    assert_close(before, {key: state[key] for key in before})
    move_all(store)
    state = database(store, recorded["link_id"])
    assert_close(before | {"versions": versions}, state, tolerance=PACKED)


def move_all(store: Store) -> None:
    """Move the rows of version 3.0.0 to the tables of today, as the Monitor does."""
    while store.old_rows.copy_some():
        pass


def test_forecasts_of_version_3_0_are_scored_and_their_link_learns(
    store: Store, recorded: dict[str, Any]
):
    move_all(store)
    outcomes = settle_more(store, recorded["link_id"], *series(recorded["more"]))
    assert_close(recorded["outcomes"], outcomes, "outcomes", PACKED)
    state = database(store, recorded["link_id"])
    recorded["after"]["versions"] = recorded["after"].pop("compare")["versions"]
    recorded["after"]["summary"] = comparable(recorded["after"]["summary"])
    assert_close(recorded["after"], {key: state[key] for key in recorded["after"]}, "after", PACKED)
    assert recorded["after"]["records"] != recorded["before"]["records"]
