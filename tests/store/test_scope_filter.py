import pytest

from pba.security import Scope
from pba.store import Store
from pba.types import Event
from tests.store.builders import NOW_S, sample_report, write

NAMES = ["Fra1:a", "a%b", "a_b", "axb", "fra1", "fra10:a", "fra1:a", "fra1:b", "x>y"]


@pytest.mark.parametrize(
    "patterns",
    [
        ("*",),
        ("fra1:*",),
        ("fra1*",),
        ("fra1",),
        ("a_*",),
        ("a_b", "x>*"),
        ("fra1:a", "fra1:*", "Fra*"),
        ("nothing:*",),
    ],
)
def test_lists_have_the_links_of_a_scope_and_pages_are_full(
    store: Store, patterns: tuple[str, ...]
):
    write(store, *(sample_report(name, 0, 2) for name in NAMES))
    store.add_events([Event("note", NOW_S, name, {}) for name in [*NAMES, None]])
    scope = Scope(patterns)
    expected = [name for name in NAMES if scope.allows(name)]
    assert [link.link_id for link in store.links(None, "", 100, scope)] == expected
    assert [link.link_id for link in store.links(None, "", 2, scope)] == expected[:2]
    everything = [None] if scope.everything else []
    newest_first = [*everything, *reversed(expected)]
    events = store.events("note", scope=scope)
    assert [event.link_id for event in events] == newest_first
    assert [event.link_id for event in store.events("note", count=1, scope=scope)] == (
        newest_first[:1]
    )


def test_a_filter_by_name_and_a_scope_both_count(store: Store):
    store.add_events([Event("note", NOW_S, name, {}) for name in NAMES])
    assert store.events("note", link_id="fra1", scope=Scope(("fra1:*",))) == []
