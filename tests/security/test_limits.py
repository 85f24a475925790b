"""How much a caller may send: forms, and which limit applies."""

import math

import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput
from pba.security.limits import UNLIMITED, Limits

POSITIVE = st.floats(min_value=1e-6, max_value=1e9)
WHOLE = st.integers(min_value=1, max_value=10**9)
LIMITS = st.builds(
    Limits,
    st.none() | POSITIVE,
    st.none() | POSITIVE,
    st.none() | WHOLE,
    st.none() | POSITIVE,
    st.none() | WHOLE,
)


@given(LIMITS)
def test_limits_are_restored_from_their_form(limits: Limits):
    assert Limits.from_dict(limits.as_dict()) == limits


@given(LIMITS, LIMITS)
def test_own_limits_count_before_those_of_the_role(own: Limits, role: Limits):
    both = own.or_else(role).as_dict()
    assert both == {**role.as_dict(), **own.as_dict()}
    assert own.or_else(UNLIMITED) == own


@pytest.mark.parametrize(
    "document",
    [
        {"requests_per_s": 0},
        {"requests_per_s": -1},
        {"requests_per_s": "many"},
        {"requests_per_s": None},
        {"requests_per_s": math.nan},
        {"body_mb": math.inf},
        {"in_flight": 0.5},
        {"max_links": "1e9"},
        {"requests": 5},
        {"": ""},
    ],
)
def test_other_forms_are_refused(document: dict[str, object]):
    with pytest.raises(InvalidInput):
        Limits.from_dict(document)


def test_texts_of_numbers_are_taken():
    limits = Limits.from_dict({"requests_per_s": "2.5", "in_flight": "3"})
    assert limits == Limits(requests_per_s=2.5, in_flight=3)
