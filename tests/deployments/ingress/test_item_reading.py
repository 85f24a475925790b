"""Items of a bulk call are read each for itself."""

import pytest

from deployments.ingress.item_reading import each_or_error, in_place, read_item
from deployments.ingress.request_models import LinksRequest
from pba.errors import InvalidRequest


def positive(item: int) -> int:
    if item <= 0:
        raise InvalidRequest(f"it is {item}")
    return item


def test_an_error_stands_in_the_place_of_its_item_and_keeps_no_frame():
    first, error, last = each_or_error([1, -1, 2], positive)
    assert (first, last) == (1, 2)
    assert isinstance(error, InvalidRequest)
    assert error.__traceback__ is None


def test_results_go_where_there_is_no_error():
    error = InvalidRequest("it is 0")
    assert in_place([1, error, 2], "ab") == ["a", error, "b"]


def test_a_document_is_left_as_it_is_and_others_are_read():
    document = LinksRequest(["a"])
    assert read_item(document, LinksRequest) is document
    assert read_item({"link_ids": ["a"]}, LinksRequest) == document
    with pytest.raises(InvalidRequest):
        read_item({"links": []}, LinksRequest)
