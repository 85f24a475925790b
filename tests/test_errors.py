"""The errors form the documented tree, and survive serialisation."""

import copy
import multiprocessing.reduction
import re

import pytest

from pba import errors
from pba.errors import Busy, InvalidInput, InvalidSample, NotFound, NotTrained, PBAError, from_body

CLASSES = [value for name in errors.__all__ if isinstance(value := getattr(errors, name), type)]


def documented() -> dict[str, str]:
    """Return the parent of each class in the docstring's tree."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ([│├└─ ]*)([A-Z]\w+)", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            parents[match[2]] = path[depth - 1] if depth else ""
    return parents


def test_the_tree_is_the_one_in_the_docstring():
    actual = {error.__name__: error.__mro__[1].__name__ for error in CLASSES}
    assert documented() == actual | {"PBAError": ""}


def test_every_code_names_one_error():
    codes = [error.code for error in CLASSES]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error_class", CLASSES)
def test_an_error_is_restored_from_its_body(error_class):
    body = error_class("what went wrong", "history[3].jitter_ms").body()
    error = from_body(body)
    assert type(error) is error_class
    assert error.body() == body


@pytest.mark.parametrize("error_class", CLASSES)
def test_an_error_can_be_sent_to_another_process(error_class):
    sent = error_class("what went wrong", "a.b")
    received = multiprocessing.reduction.ForkingPickler.loads(
        multiprocessing.reduction.ForkingPickler.dumps(sent)
    )
    assert type(received) is error_class
    assert (received.message, received.field) == ("what went wrong", "a.b")
    assert str(received) == "what went wrong"
    assert copy.copy(sent).body() == sent.body()


def test_an_unknown_code_becomes_a_general_error():
    error = from_body({"code": "from_the_future", "message": "new"})
    assert type(error) is PBAError
    assert str(error) == "new"


def test_a_body_without_a_field_has_no_such_key():
    assert Busy("later").body() == {"code": "busy", "message": "later"}


def test_a_field_can_be_placed_inside_a_larger_request():
    error = InvalidSample("bad", "history[2].jitter_ms").inside("requests[7]")
    assert type(error) is InvalidSample
    assert error.field == "requests[7].history[2].jitter_ms"
    assert InvalidSample("bad").inside("requests[7]").field == "requests[7]"


def test_errors_derive_from_the_builtin_errors_that_callers_catch():
    assert issubclass(InvalidInput, ValueError)
    assert issubclass(NotTrained, RuntimeError)
    assert issubclass(NotFound, LookupError)
