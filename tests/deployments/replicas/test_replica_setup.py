"""The memory of a replica that is ready."""

import gc
from collections.abc import Iterator

import pytest

from deployments.replicas.replica_setup import leave_lasting_objects


@pytest.fixture(autouse=True)
def _unchanged_collector() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Node:
    """Something that can be part of a cycle."""

    other: "Node"


def test_lasting_objects_are_left_alone_and_new_cycles_are_still_collected():
    lasting = Node()
    leave_lasting_objects()
    assert gc.get_freeze_count() > 1000
    assert not any(one is lasting for one in gc.get_objects())
    first, second = Node(), Node()
    first.other, second.other = second, first
    del first, second
    assert gc.collect() >= 2
