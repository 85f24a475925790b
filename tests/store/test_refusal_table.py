from contextlib import closing

from pba.store import Store
from pba.store.refusal_table import RefusalCount
from tests.store.builders import NOW_S

MINUTE_US = 60_000_000
START_US = int(NOW_S) * 1_000_000 // MINUTE_US * MINUTE_US


def test_counts_of_one_caller_in_one_minute_are_added_up(store: Store):
    first = RefusalCount(START_US, "10.0.0.1", "", 3, 1)
    later = RefusalCount(START_US + MINUTE_US, "10.0.0.1", "ab" * 8, 0, 1)
    store.refusals.add([later, first])
    store.refusals.add([first])
    store.refusals.add([])
    assert store.refusals.rows() == [later, RefusalCount(START_US, "10.0.0.1", "", 6, 2)]
    assert store.refusals.rows(1) == [later]
    assert later.as_dict()["key_id"] == "ab" * 8
    assert first.as_dict()["key_id"] is None


def test_old_counts_are_deleted(url: str):
    now_s = NOW_S
    with closing(Store(url, lambda: now_s, refusal_retention_days=1.0)) as store:
        store.refusals.add(
            [RefusalCount(START_US, str(number), "", 1, 0) for number in range(1500)]
        )
        store.tidy()
        assert len(store.refusals.rows(2000)) == 1500
        now_s += 86_400 + 60
        store.tidy()
        assert store.refusals.rows() == []
