"""Modes are parsed from their names."""

import pytest

from pba.errors import InvalidMode
from pba.types import NetworkMode, parse_mode


@pytest.mark.parametrize("name", ["internet", "INTERNET", "Internet", NetworkMode.INTERNET])
def test_a_mode_is_parsed_in_any_case(name):
    assert parse_mode(name) is NetworkMode.INTERNET


@pytest.mark.parametrize("name", ["", "wan", "internet ", None, 3, True])
def test_an_unknown_mode_is_refused_and_the_known_ones_named(name):
    with pytest.raises(InvalidMode, match="datacenter, internet, hybrid") as caught:
        parse_mode(name)
    assert caught.value.field == "mode"
