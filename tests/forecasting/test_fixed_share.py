import pytest
from hypothesis import given, strategies as st

from pba.forecasting.fixed_share import EXPERTS, INITIAL_WEIGHTS, MODEL, leader, update_weights
from pba.models.simple import SIMPLE_FORECASTERS

ALL_MISS = dict.fromkeys(EXPERTS, False)


def after(outcomes: list[dict[str, bool]]) -> dict[str, float]:
    weights = dict(INITIAL_WEIGHTS)
    for hits in outcomes:
        weights = update_weights(weights, hits)
    return weights


def test_every_simple_forecaster_is_an_expert():
    assert {MODEL, *SIMPLE_FORECASTERS} == set(EXPERTS) == set(INITIAL_WEIGHTS)


def test_the_model_leads_on_a_new_link():
    assert leader(INITIAL_WEIGHTS) == MODEL
    assert sum(INITIAL_WEIGHTS.values()) == pytest.approx(1.0)


def test_an_expert_that_hits_where_the_model_misses_takes_the_lead():
    takes = next(
        count
        for count in range(1, 200)
        if leader(after([ALL_MISS | {"ewma": True}] * count)) == "ewma"
    )
    assert 20 < takes < 50


def test_the_model_leads_again_soon_after_it_hits_again():
    long_wrong = [ALL_MISS | {"ewma": True}] * 1000
    right = [ALL_MISS | {MODEL: True}]
    assert leader(after(long_wrong)) == "ewma"
    assert leader(after(long_wrong + right * 60)) == MODEL


def test_with_equal_experts_the_weights_return_to_the_initial_ones():
    weights = after([ALL_MISS | {"ewma": True}] * 30 + [dict.fromkeys(EXPERTS, True)] * 1000)
    assert weights == pytest.approx(INITIAL_WEIGHTS, abs=1e-3)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(EXPERTS, st.booleans())), max_size=60))
def test_weights_sum_to_one_and_no_expert_is_lost(outcomes: list[dict[str, bool]]):
    weights = after(outcomes)
    assert sum(weights.values()) == pytest.approx(1.0)
    assert min(weights.values()) > 0.01 * min(INITIAL_WEIGHTS.values()) / 2
