"""Which forecasts to act on, and comparisons with rules over all sets at once."""

import numpy as np
import pytest

from pba.evaluation.bootstrap import bootstrap_mean, t_test
from pba.evaluation.confident_part import GOALS, confident_part
from pba.evaluation.holm import behind_rules, rejected


def test_the_part_is_the_largest_that_is_accurate_enough(rng: np.random.Generator):
    confidence = rng.uniform(0.3, 1.0, 20_000)
    part = confident_part(confidence, rng.random(20_000) < confidence)
    first, second = part["reached"]
    assert (first["accuracy_20"], second["accuracy_20"]) == GOALS
    # The mean confidence above c is (1 + c) / 2.
    assert first["confidence"] == pytest.approx(0.4, abs=0.03)
    assert second["confidence"] == pytest.approx(0.7, abs=0.03)
    assert second["share"] == pytest.approx(0.3 / 0.7, abs=0.03)
    shares, lowest, accuracy = np.array(part["curve"]).T
    assert (shares[0], shares[-1]) == (0.05, 1.0)
    assert (np.diff(lowest) <= 0).all()
    assert accuracy[-1] == pytest.approx(0.65, abs=0.02)


def test_forecasts_of_one_confidence_are_not_divided():
    hits = np.repeat([True, False], [300, 200])
    (first, second) = confident_part(np.full(500, 0.6), hits)["reached"]
    assert (first["confidence"], first["share"]) == (None, 0.0)
    assert second["confidence"] is None


def test_a_few_lucky_forecasts_are_no_part():
    confidence = np.linspace(1.0, 0.0, 1000)
    hits = np.arange(1000) < 50
    assert [goal["share"] for goal in confident_part(confidence, hits)["reached"]] == [0.0, 0.0]


def test_holm_rejects_step_by_step():
    assert rejected([0.04, 0.03, 0.001]) == [False, False, True]
    assert rejected([0.001, 0.02, 0.03]) == [True, True, True]
    assert rejected([0.02, 0.02, 0.02]) == [False, False, False]
    assert rejected([]) == []


def test_the_t_test_is_that_of_tables():
    of_five_percent = {1: 12.706, 2: 4.303, 9: 2.262, 10: 2.228, 30: 2.042, 499: 1.965}
    of_a_ten_thousandth = {9: 6.5937, 30: 4.4816}
    for freedom, t in of_five_percent.items():
        assert t_test(t, freedom) == pytest.approx(0.05, abs=1e-4) == t_test(-t, freedom)
    for freedom, t in of_a_ten_thousandth.items():
        assert t_test(t, freedom) == pytest.approx(1e-4, rel=0.01)


def test_the_p_value_is_small_for_a_difference_that_all_traces_show(rng: np.random.Generator):
    traces = np.repeat(np.arange(30), 50)
    gains = rng.normal(0.02, 0.1, 30)[traces] * 0.1 + 0.05
    sure = bootstrap_mean(gains, traces)
    assert sure.p_value is not None
    assert sure.p_value < 1e-6
    none = [
        bootstrap_mean(rng.normal(0.0, 1.0, 30)[traces], traces).p_value or 0.0 for _ in range(300)
    ]
    assert 0.02 <= np.mean(np.array(none) < 0.05) <= 0.1
    assert bootstrap_mean(gains[:50], traces[:50]).p_value is None


def test_only_a_difference_that_survives_all_comparisons_counts():
    def figures(traces: int, value: float, p_value: float | None) -> dict[str, object]:
        return {
            "traces": traces,
            "against": {
                "ewma": {"1": {"value": value, "p_value": p_value}},
                "gbt": {"1": {"value": -0.5, "p_value": 1e-9}},
            },
        }

    sets = {
        "behind": figures(30, -0.03, 1e-4),
        "ahead": figures(30, 0.03, 1e-4),
        "noise": figures(30, -0.03, 0.2),
        "small": figures(9, -0.03, 1e-9),
    }
    rules = behind_rules(sets, ["ewma", "holt"])
    assert rules["comparisons"] == 3
    assert [(one["set_name"], one["rule"]) for one in rules["behind"]] == [("behind", "ewma")]
    assert rules["small"] == ["small"]
