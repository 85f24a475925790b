"""Counters become rates over the time since the last report."""

import pytest

from deployments.replicas.rates import Rates


def test_each_rate_is_over_the_time_since_the_last_call():
    now = [100.0]
    rates = Rates(lambda: now[0])
    now[0] = 102.0
    assert rates.per_second({"calls": 10.0, "busy": 1.0}) == {"calls": 5.0, "busy": 0.5}
    now[0] = 106.0
    assert rates.per_second({"calls": 10.0, "busy": 3.0}) == {"calls": 0.0, "busy": 0.5}


def test_two_calls_at_once_divide_by_no_zero():
    rates = Rates(lambda: 5.0)
    assert rates.per_second({"calls": 0.0})["calls"] == 0.0
    assert rates.per_second({"calls": 1.0})["calls"] == pytest.approx(1000.0)
