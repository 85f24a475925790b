"""What the chaos command says of calls."""

import math

from benchmarks.cluster.calls import Call, errors, full_again_s, quantile_s, within


def calls(took_s: dict[int, float], until_s: int = 30) -> list[Call]:
    """Return ten calls a second; those that begin in a named second take so long."""
    starts = [second + tenth / 10 for second in range(until_s) for tenth in range(10)]
    return [Call("HTTP", start, start + took_s.get(int(start), 0.01)) for start in starts]


def test_a_fault_that_nobody_notices_is_over_at_once():
    assert full_again_s(calls({}), 10.0, 30.0) == 0.0


def test_full_throughput_is_back_with_five_prompt_seconds():
    assert full_again_s(calls({10: 3.0, 11: 2.0, 14: 4.0}), 10.0, 30.0) == 5.0


def test_full_throughput_that_never_comes_back_is_infinite():
    slow = {second: 2.0 for second in range(10, 30)}
    assert full_again_s(calls(slow), 10.0, 30.0) == math.inf


def test_failed_calls_are_not_prompt_and_are_counted_by_their_error():
    failed = [Call("gRPC", 10.05, 10.1, "UNAVAILABLE: gone")] * 5
    assert full_again_s([*calls({}), *failed], 10.0, 30.0) == 1.0
    assert errors(failed) == {"UNAVAILABLE: gone": 5}


def test_quantiles_are_of_the_whole_wait_and_spans_of_the_begin():
    slow = within(calls({10: 3.0}), 10.0, 11.0)
    assert len(slow) == 10
    assert math.isclose(quantile_s(slow, 0.5), 3.0)
