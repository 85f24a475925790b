"""Bodies of nothing but mistakes: refused for little time and memory, whatever their size."""

import contextlib
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from deployments.ingress.request_reading import (
    read_flags,
    read_link_ids,
    read_link_samples,
    read_promotion,
    read_queries,
    read_query,
    read_samples,
)
from pba.errors import InvalidRequest, PBAError, TooLarge

LIMIT = 10_000
SIZE = 8_000_000
CPU_S = 0.5

READERS: dict[str, Callable[[Any], Any]] = {
    "history": read_query,
    "requests": lambda body: read_queries(body, LIMIT),
    "samples": lambda body: read_samples(body, LIMIT),
    "link samples": lambda body: read_link_samples(body, "a", LIMIT),
    "link_ids": lambda body: read_link_ids(body, LIMIT),
    "flags": read_flags,
    "version": read_promotion,
}
LISTS = ("requests", "samples", "link samples", "link_ids")


def many(name: str, item: bytes, size: int = SIZE) -> bytes:
    """Return an object whose list ``name`` repeats ``item`` up to about ``size`` bytes."""
    items = b",".join([item] * (size // (len(item) + 1)))
    return b'{"%s": [%s]}' % (name.rpartition(" ")[2].encode(), items)


def refusal(name: str, body: Any) -> PBAError:
    """Return the error of ``body``, which costs little time and repeats little of it.

    The least time of up to three counts: the garbage collector may pass over all of the tests.
    """
    for _ in range(3):
        started = time.process_time()
        with pytest.raises(PBAError) as caught:
            READERS[name](body)
        took_s = time.process_time() - started
        if took_s < CPU_S:
            break
    assert took_s < CPU_S
    error = caught.value
    assert len(error.message) < 400
    assert error.field is None or len(error.field) < 250
    return error


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("item", [b"1", b"{}", b"[]", b"null", b'""', b"1e5", b'{"x":1}'])
def test_four_million_wrong_items_are_too_many_whatever_they_are(name: str, item: bytes):
    error = refusal(name, many(name, item))
    assert isinstance(error, TooLarge)
    assert error.field == name.rpartition(" ")[2]


NESTED = (
    b'{"history":[%s]}' % b",".join([b"{}"] * 300),
    b'{"history":[%s]}' % b",".join([b"1"] * 400),
    b"[" * 400 + b"]" * 400,
)
"""Items of which few are too many, and which would take forty times their bytes as objects."""


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("item", NESTED)
def test_what_is_inside_of_wrong_items_is_not_decoded(name: str, item: bytes):
    body = many(name, item)
    if name == "requests":
        took_s = []
        for _ in range(3):  # as in `refusal`
            started = time.process_time()
            assert all(isinstance(one, PBAError) for one in read_queries(body, LIMIT))
            took_s.append(time.process_time() - started)
            if took_s[-1] < 2 * CPU_S:  # of the answers
                break
        assert min(took_s) < 2 * CPU_S
    else:
        refusal(name, body)


@pytest.mark.parametrize("name", [*LISTS, "history"])
@pytest.mark.parametrize("item", [b"1", b"{}", b"null", b"NaN", b'{"x":1}', *NESTED])
def test_memory_is_in_proportion_to_the_body(name: str, item: bytes):
    body = many(name, item, 4_000_000)
    tracemalloc.start()
    with contextlib.suppress(PBAError):
        READERS[name](body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < (10 if item != b"NaN" else 11) * len(body)


@pytest.mark.parametrize("item", [b"1", b"{}", b"null", b'{"timestamp":-1,"bandwidth_mbps":-1}'])
def test_a_history_of_wrong_items_ends_at_the_first(item: bytes):
    error = refusal("history", many("history", item))
    assert error.field is not None
    assert error.field.startswith("history[0]")


@pytest.mark.parametrize("name", [*LISTS, "history"])
def test_two_megabytes_of_integers_where_a_list_belongs_are_refused(name: str):
    refusal(name, many(name, b"7", 2_000_000))
    refusal(name, b'{"%s": %s}' % (name.rpartition(" ")[2].encode(), b"7" * 2_000_000))


def test_columns_of_millions_of_wrong_values_are_refused():
    values = b",".join([b"-1"] * 1_000_000)
    columns = b'{"timestamp":[%s],"bandwidth_mbps":[%s]}' % (values, values)
    assert refusal("history", b'{"history":%s}' % columns).field == "history[0].bandwidth_mbps"
    assert isinstance(refusal("link samples", b'{"samples":%s}' % columns), TooLarge)


@pytest.mark.parametrize("name", READERS)
def test_half_a_million_unknown_fields_end_at_the_first(name: str):
    fields = b",".join(b'"k%d":1' % number for number in range(500_000))
    error = refusal(name, b"{%s}" % fields)
    assert isinstance(error, InvalidRequest)
    assert error.field == "k0"


@pytest.mark.parametrize("name", READERS)
def test_a_field_with_a_name_of_a_megabyte_is_repeated_in_part(name: str):
    error = refusal(name, b'{"%s":1}' % (b"k" * 1_000_000))
    assert error.field == "k" * 100 + "…"


@pytest.mark.parametrize("name", ["history", "link_ids"])
def test_advice_with_names_or_values_of_a_megabyte_is_repeated_in_part(name: str):
    long = b"k" * 1_000_000
    for advice in (
        b'{"%s":1}' % long,
        b'{"policy":"%s"}' % long,
        b'{"quantile":[%s]}' % (b"1," * 9 + b"1"),
    ):
        error = refusal(name, b'{"%s":[],"allocation":%s}' % (name.encode(), advice))
        assert error.field is not None
        assert error.field.startswith("allocation")


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("nested", [b"[", b'{"a":', b'{"history":', b'{"requests":[{"history":'])
def test_nesting_without_end_is_refused(name: str, nested: bytes):
    refusal(name, nested * 200_000)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "body", [b"", b"\xff", b'{"\xff":1}', b'"\\ud800"', b'{"a":NaN}', b"NaN", b"{", b"[1", b"\x00"]
)
def test_text_that_is_not_json_is_refused(name: str, body: bytes):
    refusal(name, body)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("item", [1, {}, {"x": 1}, None])
def test_a_handle_call_with_millions_of_wrong_items_is_refused(name: str, item: Any):
    body = {name.rpartition(" ")[2]: [item] * (SIZE // 2)}
    assert isinstance(refusal(name, body), TooLarge)


def test_nan_beside_millions_of_items_changes_nothing():
    assert isinstance(refusal("requests", many("requests", b"NaN")), TooLarge)
