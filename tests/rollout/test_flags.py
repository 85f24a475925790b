"""Links are assigned to arms by their buckets, and invalid flags are refused."""

import random

import pytest

from pba.errors import InvalidRequest
from pba.rollout import Arm, Flags, bucket, fnv1a


@pytest.mark.parametrize(
    ("link_id", "hashed", "number"),
    [
        ("node-1", 1422144387, 87),
        ("fra1:ams2", 1412573492, 92),
        ("controller-42", 4241850566, 66),
        ("", 2166136261, 61),
    ],
)
def test_buckets_are_those_of_the_old_system(link_id: str, hashed: int, number: int):
    assert (fnv1a(link_id), bucket(link_id)) == (hashed, number)


@pytest.mark.parametrize("percentage", [0, 1, 10, 50, 100])
def test_the_share_of_v3_is_the_percentage(percentage: int):
    rng = random.Random(3)
    links = [f"{rng.getrandbits(64):x}" for _ in range(20_000)]
    flags = Flags(v3_rollout_percentage=percentage)
    share = sum(flags.arm(link) is Arm.V3 for link in links) / len(links)
    assert abs(share - percentage / 100) < 0.01


def test_a_link_stays_with_v3_while_the_percentage_rises():
    steps = [Flags(v3_rollout_percentage=percentage) for percentage in range(101)]
    for number in range(200):
        arms = [flags.arm(f"link-{number}") for flags in steps]
        assert arms == sorted(arms)
        assert (arms[0], arms[-1]) == (Arm.V1, Arm.V3)


def test_a_request_without_a_link_is_served_by_v3_when_every_link_is():
    assert Flags(v3_rollout_percentage=99).arm(None) is Arm.V1
    assert Flags().arm(None) is Arm.V3


@pytest.mark.parametrize("off", [{"force_v1_mode": True}, {"enable_v3_prediction": False}])
def test_the_kill_switch_overrides_the_percentage(off: dict[str, bool]):
    flags = Flags().changed(off)
    assert flags.arm("a") is Arm.V1
    assert flags.wants_v1


def test_v1_is_needed_while_it_may_serve_some_request():
    assert not Flags().wants_v1
    assert Flags(shadow=True).wants_v1
    assert Flags(v3_rollout_percentage=99).wants_v1


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"v3_rollout_percentage": 101}, "101; it is a whole number from 0 to 100"),
        ({"v3_rollout_percentage": -1}, "whole number"),
        ({"v3_rollout_percentage": 2.5}, "whole number"),
        ({"v3_rollout_percentage": True}, "whole number"),
        ({"shadow": 1}, "shadow is 1; it is true or false"),
        ({"shadow": None}, "true or false"),
        ({"colour": True}, "no flag is called 'colour'; they are enable_v3_prediction, "),
    ],
)
def test_invalid_values_and_unknown_flags_are_refused(changes: dict[str, object], rule: str):
    with pytest.raises(InvalidRequest, match=rule) as error:
        Flags().changed(changes)
    assert error.value.field == next(iter(changes))
