"""The tree of errors is the one drawn, and errors survive every way they travel."""

import copy
import multiprocessing.reduction
import re

import pytest

from pba import errors
from pba.errors import Busy, InvalidInput, InvalidSample, NotFound, NotTrained, PBAError, from_body

KINDS = [getattr(errors, name) for name in errors.__all__ if name != "from_body"]


def drawn() -> dict[str, str]:
    """Return the parent of each class in the drawing."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│├└─ ]*)([A-Z]\w+)", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            parents[found[2]] = path[depth - 1] if depth else ""
    return parents


def test_the_tree_is_the_one_in_the_docstring():
    real = {kind.__name__: kind.__mro__[1].__name__ for kind in KINDS}
    assert drawn() == real | {"PBAError": ""}


def test_every_code_names_one_error():
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_back_from_its_body(kind):
    told = kind("what went wrong", "history[3].jitter_ms").body()
    found = from_body(told)
    assert type(found) is kind
    assert found.body() == told


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_the_way_between_processes(kind):
    sent = kind("what went wrong", "a.b")
    found = multiprocessing.reduction.ForkingPickler.loads(
        multiprocessing.reduction.ForkingPickler.dumps(sent)
    )
    assert type(found) is kind
    assert (found.message, found.field, str(found)) == ("what went wrong", "a.b", "what went wrong")
    assert copy.copy(sent).body() == sent.body()


def test_a_code_that_nobody_knows_is_still_an_error():
    found = from_body({"code": "from_the_future", "message": "new"})
    assert type(found) is PBAError
    assert str(found) == "new"


def test_a_body_has_a_field_only_where_one_is_to_blame():
    assert Busy("later").body() == {"code": "busy", "message": "later"}


def test_a_field_can_be_placed_inside_a_larger_request():
    found = InvalidSample("bad", "history[2].jitter_ms").inside("requests[7]")
    assert type(found) is InvalidSample
    assert found.field == "requests[7].history[2].jitter_ms"
    assert InvalidSample("bad").inside("requests[7]").field == "requests[7]"


def test_the_python_errors_that_old_callers_catch_still_catch():
    assert issubclass(InvalidInput, ValueError)
    assert issubclass(NotTrained, RuntimeError)
    assert issubclass(NotFound, LookupError)
