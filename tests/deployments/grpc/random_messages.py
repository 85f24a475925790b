"""Messages that callers send by mistake or on purpose, at random."""

from random import Random
from typing import Any

from google.protobuf.message import Message

from deployments.grpc import pba_pb2 as pb
from tests.deployments.grpc.messages import METHODS, request
from tests.support.histories import INTERNET

__all__ = ["content"]

NUMBERS = (0.0, -0.0, -1.0, 1.0, 1e300, 1.7e9, 1e-320, float("nan"), float("inf"), float("-inf"))
NAMES = ("fra1:ams2", "a", "", "..", "a/b", "k" * 300, "\0", "é→\U0001f600", "../../etc", "a\r\nb")
_DEEPEST = 4


def content(random: Random, method: str) -> bytes:
    """Return a message of ``method``, honest or random, or what has become of one, or bytes."""
    kind = random.random()
    if kind < 0.1:
        return random.randbytes(random.randint(0, 40))
    message = _honest(random, method) if kind < 0.4 else _message(random, METHODS[method].request)
    data: bytes = message.SerializeToString()
    return _changed(random, data) if kind > 0.75 or kind < 0.2 else data


def _honest(random: Random, method: str) -> Message:
    one = request(INTERNET.first(random.choice((3, 3, 3, 60))), link_id="a")
    count, size = random.randint(0, 3), random.choice((0, 1, 10**9))
    transfer = pb.TransferRequest(history=one.history, bytes=size, dirty_mbps=1.0)
    samples = [pb.LinkSample(link_id="a", sample=sample) for sample in one.history]
    messages: dict[str, Message] = {
        "Forecast": one,
        "ForecastBatch": pb.ForecastBatchRequest(requests=[one] * count),
        "Observe": pb.ObserveRequest(samples=samples, forecast=random.random() < 0.5),
        "LinkForecast": pb.LinkForecastRequest(link_id="a"),
        "GetLink": pb.GetLinkRequest(link_id="a"),
        "GetLinkHistory": pb.GetLinkHistoryRequest(link_id="a", limit=1),
        "ListEvents": pb.ListEventsRequest(cursor=5),
        "ListModelVersions": pb.ListModelVersionsRequest(mode="internet"),
        "LinkForecasts": pb.LinkForecastsRequest(link_ids=["a"] * count),
        "Transfer": transfer,
        "Transfers": pb.TransfersRequest(requests=[transfer] * count),
    }
    return messages.get(method) or METHODS[method].request()


def _message(random: Random, kind: Any, depth: int = 0) -> Any:
    """Return a message of ``kind`` with some of its fields, of any value that their types have."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if random.random() < 0.5 or (field.message_type and depth == _DEEPEST):
            continue
        count = random.randint(0, 4) if field.is_repeated else 1
        values = [_value(random, field, depth) for _ in range(count)]
        if field.is_repeated:
            getattr(message, field.name).extend(values)
        elif field.message_type:
            getattr(message, field.name).CopyFrom(values[0])
        else:
            setattr(message, field.name, values[0])
    return message


def _value(random: Random, field: Any, depth: int) -> Any:
    if field.message_type:
        return _message(random, field.message_type._concrete_class, depth + 1)
    if field.enum_type:
        return random.choice((random.randint(-(1 << 31), (1 << 31) - 1), random.randint(0, 4)))
    kind = field.type
    if kind == field.TYPE_DOUBLE:
        return random.choice((random.choice(NUMBERS), random.uniform(-10, 1e4)))
    if kind == field.TYPE_STRING:
        return random.choice((random.choice(NAMES), "".join(random.choices("aZ9.:@>-/ ", k=8))))
    if kind == field.TYPE_BOOL:
        return random.random() < 0.5
    if kind == field.TYPE_INT32:
        return random.randint(-(1 << 31), (1 << 31) - 1)
    return random.choice((random.getrandbits(32), random.randint(0, 20)))


def _changed(random: Random, data: bytes) -> bytes:
    """Return ``data`` cut, or with bytes replaced or inserted."""
    start = random.randint(0, len(data))
    end = random.randint(start, min(len(data), start + 4))
    rest = random.choice((data[end:], b""))
    return data[:start] + random.randbytes(random.randint(0, 6)) + rest
