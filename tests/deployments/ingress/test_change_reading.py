"""Bodies that change the service: promotions, rollbacks and flags."""

import json
from typing import Any

import pytest
from msgspec.structs import asdict

from deployments.ingress.request_reading import read_flags, read_promotion, read_rollback
from pba.errors import InvalidRequest, NotJson, PBAError
from pba.rollout import Flags


def test_a_promotion_has_defaults_for_all_but_the_version():
    promotion = read_promotion(b'{"version": "a"}')
    assert asdict(promotion) == {
        "version": "a",
        "on_behalf_of": None,
        "who": None,
        "reason": "",
        "why": "",
        "expected": None,
    }
    by_number = read_promotion(b'{"version": "a", "expected": 3, "who": "me"}')
    assert (by_number.expected, by_number.who) == (3, "me")
    assert read_promotion(b'{"version": "a", "expected": "b"}').expected == "b"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"version": "a", "expected": True}, "expected"),
        ({"version": "a", "expected": [0]}, "expected"),
        ({}, "version"),
        ({"version": 3}, "version"),
        ({"version": "a", "who": ""}, "who"),
        ({"version": "a", "now": True}, "now"),
    ],
)
def test_a_promotion_that_breaks_a_rule_is_refused_with_its_field(
    fields: dict[str, Any], field: str
):
    with pytest.raises(InvalidRequest) as caught:
        read_promotion(json.dumps(fields).encode())
    assert (type(caught.value), caught.value.field) == (InvalidRequest, field)


def test_a_promotion_that_is_not_json_is_refused_as_such():
    with pytest.raises(NotJson):
        read_promotion(b"{")


def test_a_rollback_may_have_an_empty_body():
    assert asdict(read_rollback(b"")) == {
        "on_behalf_of": None,
        "who": None,
        "reason": "",
        "why": "",
        "expected": None,
    }
    assert read_rollback(b'{"who": "me", "expected": "a"}').expected == "a"


def test_flags_have_the_version_that_the_caller_read():
    change = read_flags(b'{"version": 2, "who": "me", "flags": {"shadow": true}}')
    assert (change.version, change.who, change.flags) == (2, "me", {"shadow": True})
    for content, field in ((b'{"who": "me", "flags": {}}', "version"), (b"{}", "version")):
        with pytest.raises(InvalidRequest) as caught:
            read_flags(content)
        assert caught.value.field == field


@pytest.mark.parametrize("digits", [400, 5000, 100_000])
def test_a_flag_of_very_many_digits_is_refused_and_repeated_in_part(digits: int):
    body = b'{"version": 0, "flags": {"shadow": 1%s, "v3_rollout_percentage": 1}}' % (b"0" * digits)
    with pytest.raises(PBAError) as caught:
        Flags().changed(read_flags(body).flags)
    assert isinstance(caught.value, InvalidRequest)
    assert len(caught.value.message) < 300
