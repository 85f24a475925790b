import inspect

import pytest
from grpc import StatusCode

from deployments.error_codes import STATUS, error_body, grpc_status, http_status
from pba import errors
from pba.errors import PBAError

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PBAError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_status(kind: type[PBAError]):
    assert (http_status(kind("message")), grpc_status(kind("message"))) in STATUS.values()


@pytest.mark.parametrize(
    ("kind", "code", "grpc_code"),
    [
        (errors.NotJson, 400, StatusCode.INVALID_ARGUMENT),
        (errors.InvalidRequest, 422, StatusCode.INVALID_ARGUMENT),
        (errors.InvalidHistory, 422, StatusCode.INVALID_ARGUMENT),
        (errors.TooLarge, 413, StatusCode.INVALID_ARGUMENT),
        (errors.NotFound, 404, StatusCode.NOT_FOUND),
        (errors.Busy, 429, StatusCode.RESOURCE_EXHAUSTED),
        (errors.Unavailable, 503, StatusCode.UNAVAILABLE),
        (PBAError, 500, StatusCode.INTERNAL),
    ],
)
def test_the_entry_of_the_most_specific_class_applies(
    kind: type[PBAError], code: int, grpc_code: StatusCode
):
    assert http_status(kind("message")) == code
    assert grpc_status(kind("message")) is grpc_code


def test_a_body_has_a_field_only_if_there_is_one():
    assert error_body("busy", "later") == {"error": {"code": "busy", "message": "later"}}
    assert error_body("busy", "later", "x")["error"]["field"] == "x"
