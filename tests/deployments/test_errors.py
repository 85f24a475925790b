import inspect

import pytest

from deployments.errors import STATUS, body, status
from pba import errors
from pba.errors import PBAError

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PBAError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_status(kind: type[PBAError]):
    assert status(kind("message")) in STATUS.values()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.NotJson, 400),
        (errors.InvalidRequest, 422),
        (errors.InvalidHistory, 422),
        (errors.TooLarge, 413),
        (errors.NotFound, 404),
        (errors.Busy, 429),
        (errors.Unavailable, 503),
        (PBAError, 500),
    ],
)
def test_the_most_specific_class_decides(kind: type[PBAError], code: int):
    assert status(kind("message")) == code


def test_a_body_without_a_field_has_none():
    assert body("busy", "later") == {"error": {"code": "busy", "message": "later"}}
    assert body("busy", "later", "x")["error"]["field"] == "x"
