"""Flags and the comparison of arms, on SQLite and on PostgreSQL alike."""

import threading

import numpy as np
import pytest

from pba.errors import Conflict, InvalidRequest
from pba.monitoring.progressive_rollout import step_rollout
from pba.rollout import Arm, Flags
from pba.store import Store
from pba.types import NetworkMode
from tests.store.conftest import NOW_S
from tests.store.test_store import START_S, report, said, write

V1 = {"arm": Arm.V1, "version": "v1-x", "served": True}
V3 = {"arm": Arm.V3, "version": "internet-x", "served": False}


def test_flags_hold_their_defaults_until_somebody_changes_them(url: str):
    store = Store(url, lambda: NOW_S, default=Flags(v3_rollout_percentage=7)).ready()
    assert (store.flags().flags, store.flags().version) == (Flags(v3_rollout_percentage=7), 0)
    held = store.change_flags({"shadow": True}, 0, "anna")
    assert held == store.flags()
    assert held.flags == Flags(v3_rollout_percentage=7, shadow=True)
    assert (held.version, held.changed_s, held.changed_by) == (1, NOW_S, "anna")
    (event,) = store.events("flags_changed")
    assert event.body == {
        "who": "anna",
        "version": 1,
        "changed": {"shadow": {"before": False, "after": True}},
    }
    store.close()


def test_a_change_of_flags_that_are_not_so_any_more_is_refused(store: Store):
    store.change_flags({"shadow": True}, 0, "anna")
    for stale in (0, 2):
        with pytest.raises(Conflict, match=f"version is {stale}; the flags are at 1"):
            store.change_flags({"shadow": False}, stale, "ben")
    with pytest.raises(InvalidRequest, match="0 to 100"):
        store.change_flags({"v3_rollout_percentage": 200}, 1, "ben")
    assert store.flags().flags.shadow
    assert len(store.events("flags_changed")) == 1


@pytest.mark.parametrize("version", [0, 1])
def test_of_two_changes_at_once_one_wins(store: Store, version: int):
    for before in range(version):
        store.change_flags({"shadow": True}, before, "first")
    won: list[str] = []

    def change(who: str) -> None:
        try:
            store.change_flags({"v3_rollout_percentage": 10}, version, who)
            won.append(who)
        except Conflict:
            pass

    threads = [threading.Thread(target=change, args=(f"w{number}",)) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [store.flags().changed_by] == won


def test_without_detection_links_stay_in_their_mode(store: Store):
    write(store, report("fast", 0, 20, mbps=5000.0, rtt_ms=1.0))
    store.change_flags({"enable_mode_detection": False}, 0, "anna")
    slow, new = write(store, report("fast", 20, 40), report("new", 0, 20, mbps=5000.0, rtt_ms=1.0))
    assert (slow.mode, new.mode) == (NetworkMode.DATACENTER, NetworkMode.INTERNET)


def lived(store: Store, v1_mbps: list[float], v3_mbps: list[float], actual: float = 50.0) -> None:
    """Have a link be forecast by both arms, moment after moment."""
    count = len(v1_mbps)
    write(store, report("a", 0, 60))
    keep = [said("a", 59 + at, mbps, **V1) for at, mbps in enumerate(v1_mbps)]
    keep += [said("a", 59 + at, mbps, took_ms=6.0, **V3) for at, mbps in enumerate(v3_mbps)]
    write(store, report("a", 60, count, mbps=actual), keep=keep)
    store.settle(["a"])


def test_arms_are_compared_on_the_same_moments(store: Store):
    rng = np.random.default_rng(5)
    v1, v3 = rng.uniform(30, 80, 40).tolist(), rng.uniform(35, 65, 30).tolist()
    lived(store, v1, v3)
    told = store.compare(0.0)["modes"]["internet"]
    pairs = list(zip(v1, v3, strict=False))  # the last ten moments have no v3
    hits = [(abs(a - 50) <= 10, abs(b - 50) <= 10) for a, b in pairs]
    assert told["pairs"] == 30
    assert told["v3_only"] == sum(b and not a for a, b in hits)
    assert told["v1_only"] == sum(a and not b for a, b in hits)
    for at, (arm, took_ms) in enumerate((("v1", 2.0), ("v3", 6.0))):
        errors = np.array([pair[at] - 50 for pair in pairs])
        assert told[arm]["accuracy_20"] == pytest.approx(np.mean([hit[at] for hit in hits]))
        assert told[arm]["mae_mbps"] == pytest.approx(np.abs(errors).mean())
        assert told[arm]["bias_mbps"] == pytest.approx(errors.mean())
        assert told[arm]["latency_ms"] == pytest.approx(took_ms)
    assert store.compare(0.0)["versions"] == {"v1": ["v1-x"], "v3": ["internet-x"]}
    assert store.compare(NOW_S + 1)["overall"]["pairs"] == 0


def test_what_was_only_compared_teaches_its_arm_and_counts_for_nobody_else(store: Store):
    lived(store, [100.0] * 20, [50.0] * 20)
    assert store.summary()["overall"]["accuracy_20"] == 0.0
    record = store.link("a").record
    assert (record.scored, record.hits) == (20, 20), "the record is v3's"
    assert all(not hit for *_, hit in store.recent_outcomes("a", 100)), "drift is of what was told"
    made = store.history("a", START_S + 59, START_S + 59, 10)[1]
    assert {(one["arm"], one["served"]) for one in made} == {("v1", True), ("v3", False)}


def test_a_rollout_moves_on_where_v3_proves_better(store: Store):
    store.change_flags(
        {"v3_rollout_percentage": 0, "shadow": True, "automatic_steps": True}, 0, "anna"
    )
    assert step_rollout(store) is None, "nothing is proven yet"
    lived(store, [100.0] * 30, [50.0] * 30)
    held = step_rollout(store)
    assert held is not None
    assert held.flags.v3_rollout_percentage == 10
    assert store.events("flags_changed")[0].body["because"]["overall"]["verdict"] == "better"


def test_a_rollout_goes_back_where_v3_proves_worse(store: Store):
    changes = {"v3_rollout_percentage": 50, "shadow": True, "automatic_return": True}
    store.change_flags(changes, 0, "anna")
    lived(store, [50.0] * 30, [100.0] * 30)
    held = step_rollout(store)
    assert held is not None
    assert held.flags.v3_rollout_percentage == 0
    assert step_rollout(store) is None


def test_without_leave_a_rollout_stays_where_it_is(store: Store):
    store.change_flags({"v3_rollout_percentage": 10, "shadow": True}, 0, "anna")
    lived(store, [100.0] * 30, [50.0] * 30)
    assert step_rollout(store) is None
    assert store.compare()["overall"]["verdict"] == "better"
