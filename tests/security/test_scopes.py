from fnmatch import fnmatchcase

import pytest
from hypothesis import given, strategies as st

from pba.errors import InvalidInput
from pba.security.scopes import EVERYTHING, Scope

NAMES = st.text("ab:", min_size=1, max_size=6)


@given(st.lists(st.builds(str.__add__, NAMES, st.sampled_from(["", "*"])), min_size=1), NAMES)
def test_a_scope_allows_what_one_of_its_patterns_matches(patterns: list[str], name: str):
    scope = Scope(tuple(patterns[:50]))
    assert scope.allows(name) == any(fnmatchcase(name, pattern) for pattern in patterns[:50])
    assert not scope.everything


def test_the_star_alone_is_every_link():
    assert EVERYTHING.everything
    assert EVERYTHING.allows("fra1:ams2")
    assert Scope(("fra1:a", "*")).everything


@pytest.mark.parametrize(
    "patterns",
    [(), ("",), ("a*b",), ("**",), ("a/b",), ("a*\n",), ("a" * 201,), ("a" * 200 + "*",)]
    + [tuple(f"link-{number}" for number in range(51))],
)
def test_patterns_of_another_form_are_refused(patterns: tuple[str, ...]):
    with pytest.raises(InvalidInput, match="fra1:"):
        Scope(patterns)
