from contextlib import closing

from pba.security import Scope
from pba.security.limits import Limits
from pba.store import Store
from pba.store.router_table import RouterTable
from tests.store.builders import NOW_S, sample_report, write
from tests.support.keys import key


def test_routers_that_run_are_counted_and_silent_ones_are_not(url: str):
    now_s = NOW_S
    with closing(Store(url, lambda: now_s)) as store:
        routers: RouterTable = store.routers
        assert [routers.mark_running(name, 12.0) for name in ("a", "b", "a", "c")] == [1, 2, 2, 3]
        now_s += 10
        assert routers.mark_running("a", 12.0) == 3
        now_s += 3
        assert routers.mark_running("a", 12.0) == 1


def test_a_router_that_ends_counts_no_more(store: Store):
    store.routers.mark_running("a", 12.0)
    store.routers.mark_running("b", 12.0)
    store.routers.remove("b")
    store.routers.remove("never")
    assert store.routers.mark_running("a", 12.0) == 1


def test_the_limits_of_a_key_are_stored(store: Store):
    record, _ = key("reporter", limits=Limits(requests_per_s=2.5, max_links=7))
    unlimited, _ = key("reader")
    store.keys.add(record)
    store.keys.add(unlimited)
    stored = {one.key_id: one.limits for one in store.keys.records()}
    assert stored == {record.key_id: record.limits, unlimited.key_id: Limits()}


def test_links_are_counted_by_scope_up_to_a_number(store: Store):
    names = ["fra1:a", "fra1:b", "ams2:a"]
    for name in names:
        write(store, sample_report(name, 0, 1))
    counts = [
        store.count_links(Scope(patterns), most)
        for patterns, most in ((("*",), 10), (("*",), 2), (("fra1:*",), 10), (("x", "ams2:a"), 9))
    ]
    assert counts == [3, 2, 2, 1]
    assert store.existing_links([*names, "fra1:c"]) == set(names)
    assert store.existing_links([]) == set()
