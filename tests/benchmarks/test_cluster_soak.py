"""What counts as growth in a soak of the test bed."""

import os
import socket

import pytest

from benchmarks.cluster import soak
from benchmarks.cluster.soak import Slope, problems, slope, table


@pytest.mark.parametrize(
    ("kind", "an_hour", "half_width", "grows"),
    [
        ("memory", 8.0, 1.5, False),
        ("memory", 8.0, 2.5, True),  # it may be 10 MB an hour
        ("files", 0.3, 0.2, False),
        ("connections", 2.0, 0.5, True),
        ("files", 0.0, float("nan"), False),  # always the same
    ],
)
def test_what_may_grow_by_as_much_as_is_not_allowed_is_a_problem(
    kind: str, an_hour: float, half_width: float, grows: bool
):
    assert bool(problems([Slope("a", kind, 50.0, an_hour, half_width)])) == grows


def test_what_is_always_the_same_is_left_out_of_the_table():
    at_s = range(0, 7200, 600)
    slopes = [
        slope("still", "files", [(second, 5.0) for second in at_s]),
        slope("leaks", "files", [(second, second / 1200 + second % 7) for second in at_s]),
    ]
    assert "leaks" in table(slopes)
    assert "still" not in table(slopes)
    assert len(problems(slopes)) == 1


def test_sockets_are_counted_whatever_network_they_belong_to():
    before = soak._count_sockets(os.getpid())
    with socket.socket(), socket.socket():
        assert soak._count_sockets(os.getpid()) == before + 2
