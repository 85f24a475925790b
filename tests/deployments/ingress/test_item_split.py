"""Items of very large lists: the same as a decoder finds, in pieces of any size."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from deployments.ingress import item_split
from deployments.ingress.item_split import split_items

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\,[]{}é', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('k"\\', max_size=3), inner),
    max_leaves=12,
)
SPACES = st.sampled_from(["", " ", "\n\t"])


@given(st.lists(JSON, min_size=1, max_size=8), st.integers(1, 40), SPACES, st.booleans())
def test_the_items_are_those_of_a_decoder(values: list[Any], size: int, space: str, ascii_: bool):
    text = json.dumps({"requests": values}, ensure_ascii=ascii_)
    body = f"{space}{text}{space}".replace('"requests": [', f'"requests"{space}:{space}[{space}', 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(item_split, "_PIECE_BYTES", max(size, 8 * len(space) + 8))
        items = split_items(body.encode(), "requests", 100)
    assert items is not None
    assert [json.loads(bytes(item)) for item in items] == values


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"requests": []', b'{"other": [1]}', b'{"requests": [1], "a": 1}', b"1"],
)
def test_another_document_is_left_to_the_decoder(body: bytes):
    assert split_items(body, "requests", 100) is None


def test_an_empty_list_has_no_items():
    assert split_items(b'{"requests": [ ]}', "requests", 100) == []


def test_the_rest_is_not_looked_at():
    items = split_items(b'{"requests":[' + b"1," * 1_000_000 + b"1]}", "requests", 10)
    assert items is not None
    assert len(items) == 11


@pytest.mark.parametrize("hole", [b"1,,2", b"1,", b","])
def test_a_hole_is_an_item_that_is_no_json(hole: bytes):
    items = split_items(b'{"requests":[%s]}' % hole, "requests", 10)
    assert items is not None
    assert b"" in [bytes(item) for item in items]
