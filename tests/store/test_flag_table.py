"""A change of flags names the version that its author has read; of concurrent ones one wins."""

import threading

import pytest

from pba.errors import Conflict, InvalidRequest
from pba.rollout import Flags
from pba.security import Author
from pba.store import Store
from tests.store.builders import NOW_S


def test_flags_have_their_defaults_until_the_first_change(url: str):
    store = Store(url, lambda: NOW_S, default=Flags(v3_rollout_percentage=7)).ready()
    assert (store.flags().flags, store.flags().version) == (Flags(v3_rollout_percentage=7), 0)
    state = store.change_flags({"shadow": True}, 0, Author("anna", "operator"))
    assert state == store.flags()
    assert state.flags == Flags(v3_rollout_percentage=7, shadow=True)
    assert (state.version, state.changed_s, state.changed_by) == (1, NOW_S, "anna")
    (event,) = store.events("flags_changed")
    assert event.body == {
        "who": "anna",
        "version": 1,
        "changed": {"shadow": {"before": False, "after": True}},
    }
    store.close()


def test_a_change_that_is_based_on_another_version_is_refused(store: Store):
    store.change_flags({"shadow": True}, 0, Author("anna", "operator"))
    for stale in (0, 2):
        with pytest.raises(Conflict, match=f"version is {stale}; the flags are at 1"):
            store.change_flags({"shadow": False}, stale, Author("ben", "operator"))
    with pytest.raises(InvalidRequest, match="0 to 100"):
        store.change_flags({"v3_rollout_percentage": 200}, 1, Author("ben", "operator"))
    assert store.flags().flags.shadow
    assert len(store.events("flags_changed")) == 1


@pytest.mark.parametrize("version", [0, 1])
def test_of_concurrent_changes_one_wins(store: Store, version: int):
    for before in range(version):
        store.change_flags({"shadow": True}, before, Author("first", "operator"))
    winners: list[str] = []

    def change(who: str) -> None:
        try:
            store.change_flags({"v3_rollout_percentage": 10}, version, Author(who, "operator"))
            winners.append(who)
        except Conflict:
            pass

    threads = [threading.Thread(target=change, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [store.flags().changed_by] == winners
