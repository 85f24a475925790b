"""What callers get of their limits, when one or several routers share them."""

import pytest

from pba.errors import LimitReached
from pba.security.identity import ANYBODY, Identity
from pba.security.limits import Limits
from pba.security.roles import Role
from pba.security.scopes import EVERYTHING
from pba.serving.caller_limits import CallerLimits


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def caller(name: str = "fra1", role: Role = Role.REPORTER, **limits: float) -> Identity:
    return Identity(name, role, EVERYTHING, f"id-{name}", Limits.from_dict(limits))


def admitted(limits: CallerLimits, identity: Identity, times: int) -> int:
    """Return how many of so many calls, one after the other, are admitted."""
    count = 0
    for _ in range(times):
        try:
            with limits.admit(identity):
                count += 1
        except LimitReached:
            pass
    return count


def test_a_caller_without_limits_is_always_admitted():
    limits = CallerLimits({Role.READER: Limits(requests_per_s=1)}, clock=Clock())
    assert admitted(limits, caller(), 1000) == 1000
    assert admitted(limits, ANYBODY, 1000) == 1000


def test_the_limits_of_a_role_count_for_callers_without_their_own():
    limits = CallerLimits({Role.REPORTER: Limits(requests_per_s=5)}, clock=Clock())
    assert admitted(limits, caller(), 100) == 5
    assert admitted(limits, caller("own", requests_per_s=7), 100) == 7
    assert admitted(limits, caller("ops", Role.OPERATOR), 100) == 100


def test_calls_come_at_the_rate_that_is_allowed_and_each_caller_has_its_own():
    clock = Clock()
    limits, fast = CallerLimits(clock=clock), caller(requests_per_s=50)
    total = 0
    for _ in range(600):
        clock.now_s += 0.1
        total += admitted(limits, fast, 20)
        assert admitted(limits, caller("other", requests_per_s=50), 1) == 1
    assert total == pytest.approx(60 * 50, rel=0.02)


@pytest.mark.parametrize("routers", [1, 2, 3])
def test_routers_share_a_rate(routers: int):
    clock, identity = Clock(), caller(requests_per_s=30)
    several = [CallerLimits(routers=lambda: routers, clock=clock) for _ in range(routers)]
    total = 0
    for _ in range(600):
        clock.now_s += 0.1
        total += sum(admitted(limits, identity, 10) for limits in several)
    assert total == pytest.approx(60 * 30, rel=0.1)


def test_a_slow_rate_admits_a_call_now_and_then():
    clock = Clock()
    limits, slow = CallerLimits(clock=clock), caller(requests_per_s=0.1)
    assert admitted(limits, slow, 5) == 1
    with pytest.raises(LimitReached, match=r"0\.1 requests a second") as caught, limits.admit(slow):
        pass
    assert caught.value.retry_after_s == pytest.approx(10)
    clock.now_s += 10
    assert admitted(limits, slow, 5) == 1


def test_samples_over_the_rate_are_paid_for_before_the_next():
    clock = Clock()
    limits, identity = CallerLimits(clock=clock), caller(samples_per_s=100)
    limits.admit_samples(identity, 1000)
    with pytest.raises(LimitReached) as caught:
        limits.admit_samples(identity, 1)
    assert caught.value.retry_after_s == pytest.approx(9.01)
    clock.now_s += 9.02
    limits.admit_samples(identity, 1)


def test_no_samples_cost_nothing():
    limits, identity = CallerLimits(clock=Clock()), caller(samples_per_s=1)
    limits.admit_samples(identity, 10)
    limits.admit_samples(identity, 0)


def test_calls_in_flight_are_counted_and_shared():
    limits = CallerLimits(routers=lambda: 2, clock=Clock())
    identity = caller(in_flight=4)
    with limits.admit(identity), limits.admit(identity):
        assert admitted(limits, identity, 1) == 0
    assert admitted(limits, identity, 5) == 5
    single = caller("single", in_flight=1)
    assert admitted(limits, single, 2) == 2


def test_a_call_that_fails_is_no_longer_in_flight():
    limits, identity = CallerLimits(clock=Clock()), caller(in_flight=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), limits.admit(identity):
            raise ZeroDivisionError


def test_what_is_refused_is_counted_by_role():
    counted: list[tuple[str, str]] = []
    limits = CallerLimits(clock=Clock(), count=lambda role, limit: counted.append((role, limit)))
    identity = caller(requests_per_s=1, samples_per_s=1)
    admitted(limits, identity, 2)
    limits.admit_samples(identity, 5)
    with pytest.raises(LimitReached):
        limits.admit_samples(identity, 5)
    assert counted == [("reporter", "requests_per_s"), ("reporter", "samples_per_s")]


def test_the_memory_of_callers_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pba.serving.caller_limits._MOST_CALLERS", 100)
    limits = CallerLimits(clock=Clock())
    for number in range(1000):
        admitted(limits, caller(str(number), requests_per_s=1), 1)
    assert len(limits._uses) == 100


def test_the_largest_body_is_that_of_the_caller():
    limits = CallerLimits({Role.REPORTER: Limits(body_mb=2.0)})
    assert limits.body_limit_mb(caller()) == 2.0
    assert limits.body_limit_mb(caller(body_mb=3.0)) == 3.0
    assert limits.body_limit_mb(ANYBODY) == float("inf")
