"""Messages of nothing but mistakes: refused for little time, before they take memory."""

import contextlib
import gc
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, strategies as st

from deployments.grpc import pba_pb2 as pb
from deployments.grpc.link_requests import read_transfer, read_transfers
from deployments.grpc.message_parsing import parse_message
from deployments.grpc.requests import read_queries, read_query, read_reports
from pba.errors import InvalidInput, InvalidRequest, PBAError, TooLarge
from pba.types import History
from tests.deployments.grpc.messages import request
from tests.support.histories import INTERNET

SIZE = 8_000_000
CPU_S = 0.5
LIMIT = 10_000
UNKNOWN = b"\xf8\x7f\x01"  # field 2047, a number

READERS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "Forecast": (pb.ForecastRequest, read_query),
    "ForecastBatch": (pb.ForecastBatchRequest, lambda message: read_queries(message, LIMIT)),
    "Observe": (pb.ObserveRequest, lambda message: read_reports(message, LIMIT)),
    "Transfer": (pb.TransferRequest, read_transfer),
    "Transfers": (pb.TransfersRequest, lambda message: read_transfers(message, LIMIT)),
}


@pytest.fixture(autouse=True, scope="module")
def lasting_objects_left_alone() -> Iterator[None]:
    """As in a router: the collector does not look at what was there before.

    Once for all tests: beside those of a whole run, one collection takes a second.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def read(name: str, data: bytes) -> Any:
    kind, reader = READERS[name]
    return reader(await parse_message(data, kind.FromString, name, LIMIT))


def many(item: bytes, size: int = SIZE) -> bytes:
    """Return a message of about ``size`` bytes whose field 1 repeats ``item``."""
    assert len(item) < 128
    field = b"\x0a%c%s" % (len(item), item)
    return field * (size // len(field))


SAMPLE = pb.Sample(timestamp_s=-1.0, bandwidth_mbps=-1.0).SerializeToString()


ITEMS = (b"", UNKNOWN, b"\x09" + b"\0" * 8, many(b"", 100), SAMPLE, many(UNKNOWN, 100))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("item", ITEMS, ids=range(len(ITEMS)))
async def test_eight_megabytes_of_wrong_items_are_refused(name: str, item: bytes):
    data = many(item)
    for _ in range(3):  # a busy machine may take longer once
        started = time.process_time()
        with pytest.raises(InvalidInput):
            await read(name, data)
        took_s = time.process_time() - started
        if took_s < CPU_S:
            break
    assert took_s < CPU_S


@pytest.mark.parametrize("name", READERS)
async def test_only_the_first_of_items_that_are_too_short_are_parsed(name: str):
    kind, _ = READERS[name]

    def parse(data: bytes) -> Any:
        assert len(data) <= 2 * 1000
        return kind.FromString(data)

    with pytest.raises(TooLarge):
        await parse_message(many(b""), parse, name, LIMIT)


async def test_more_names_than_the_limit_are_refused_before_they_are_parsed():
    def parse(data: bytes) -> Any:
        assert len(data) <= 2 * 1000
        return pb.LinkForecastsRequest.FromString(data)

    with pytest.raises(TooLarge, match="link_ids"):
        await parse_message(many(b""), parse, "LinkForecasts", LIMIT)


async def test_calls_about_one_thing_have_small_messages():
    def parse(_: bytes) -> Any:
        raise AssertionError("it is refused before")

    with pytest.raises(TooLarge, match="a call of GetLink has at most 1000000"):
        await parse_message(many(b"a" * 100), parse, "GetLink", LIMIT)


@pytest.mark.parametrize("name", ["Forecast", "Observe"])
async def test_a_few_empty_items_are_answered_as_what_they_are(name: str):
    with pytest.raises(InvalidRequest, match="timestamp"):
        await read(name, many(b"", 20))


@pytest.mark.parametrize("name", READERS)
async def test_unknown_fields_of_megabytes_are_refused(name: str):
    for data in (UNKNOWN * (SIZE // 3), b"\xfa\x7f\x80\x80\x80\x01" + b"x" * (1 << 21)):
        started = time.process_time()
        with pytest.raises(InvalidRequest):
            await read(name, data)
        assert time.process_time() - started < CPU_S


@pytest.mark.parametrize("name", READERS)
@given(data=st.binary(max_size=60))
async def test_any_bytes_are_a_message_or_refused(name: str, data: bytes):
    """Of what is read, the rules are those of any message."""
    with contextlib.suppress(PBAError):
        await read(name, data)


async def test_honest_values_that_look_like_short_samples_are_read():
    """3.0000000000291 has the bytes of two beginnings of short samples."""
    (value,) = struct.unpack("<d", bytes([0x0A, 1, 0x0A, 1, 0, 0, 8, 64]))
    samples = [
        pb.Sample(timestamp_s=number, bandwidth_mbps=value, latency_ms=value)
        for number in range(1, 20_000)
    ]
    query = await read("Forecast", pb.ForecastRequest(history=samples).SerializeToString())
    assert query.history.telemetry[0, 0] == value


async def test_an_honest_message_is_parsed():
    query = await read("Forecast", request(INTERNET).SerializeToString())
    assert isinstance(query.history, History)
