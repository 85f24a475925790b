"""A lease has one holder at a time, and that of a dead holder is free after its time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pba.store import Store
from tests.store.builders import NOW_S


class Clock:
    now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stores(url: str, clock: Clock) -> Iterator[tuple[Store, Store]]:
    pair = Store(url, clock).ready(), Store(url, clock).ready()
    yield pair
    for store in pair:
        store.close()


def test_of_two_holders_one_has_the_lease_until_it_gives_it_back(stores: tuple[Store, Store]):
    first, second = (store.jobs for store in stores)
    assert first.take_lease("fold", "a", 10.0)
    assert not second.take_lease("fold", "b", 10.0)
    assert second.take_lease("tidy", "b", 10.0), "another lease"
    second.give_back_lease("fold", "b")
    assert not second.take_lease("fold", "b", 10.0), "only its holder can give it back"
    first.give_back_lease("fold", "a")
    assert second.take_lease("fold", "b", 10.0)


def test_a_dead_holders_lease_is_free_after_its_time(stores: tuple[Store, Store], clock: Clock):
    first, second = (store.jobs for store in stores)
    assert first.take_lease("fold", "a", 10.0)
    clock.now_s += 9.0
    assert not second.take_lease("fold", "b", 10.0)
    assert first.take_lease("fold", "a", 10.0), "renewed"
    clock.now_s += 9.0
    assert not second.take_lease("fold", "b", 10.0)
    clock.now_s += 1.0
    assert second.take_lease("fold", "b", 10.0)
    assert not first.take_lease("fold", "a", 10.0)


def test_of_many_that_take_a_free_lease_at_once_one_gets_it(stores: tuple[Store, Store]):
    holders = [f"h{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for round_number in range(5):
            taken = list(
                pool.map(
                    lambda holder, name=f"job{round_number}": stores[
                        hash(holder) % 2
                    ].jobs.take_lease(name, holder, 60.0),
                    holders,
                )
            )
            assert sum(taken) == 1


def test_a_lease_is_kept_while_work_goes_on_and_no_longer(
    stores: tuple[Store, Store], clock: Clock
):
    first, second = (store.jobs for store in stores)
    assert first.take_lease("tidying", "a", 120.0)
    keep = first.lease_renewal("tidying", "a", 120.0)
    for _ in range(100):  # ten minutes of steps
        clock.now_s += 6.0
        assert keep()
        assert not second.take_lease("tidying", "b", 120.0)
    clock.now_s += 120.0
    assert second.take_lease("tidying", "b", 120.0), "nobody has renewed it"
    assert not keep(), "it is another's now"
