"""What do calls over gRPC take beside the same over HTTP? `python -m benchmarks.grpc_calls`.

And how fast is a stream of histories beside the bulk call with all of them?
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

import grpc
import httpx
from google.protobuf.message import Message

from benchmarks import load, request_bodies, servers
from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from pba.client import request
from pba.types import History, NetworkMode
from tests.deployments.grpc import messages
from tests.support.ports import own_port

LINKS, CHUNK = 1000, 100
ROUNDS, SECONDS, WARM_UP_S = 7, 3.0, 3.0


class Call(NamedTuple):
    """One question in both protocols; without a body it is a GET."""

    path: str
    body: bytes
    method: str
    message: Message


def main() -> None:
    with own_port() as port, servers.service(grpc_port=port) as (url, _):
        (history,) = request_bodies.histories(NetworkMode.INTERNET, 1)
        names = [f"l{number}" for number in range(LINKS)]
        _store(url, names, history)
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            print("| one call, 1 connection | HTTP, p50 ms | gRPC, p50 ms | ratio |")
            print("| --- | --- | --- | --- |")
            for what, call in _calls(history, names).items():
                http_ms, grpc_ms, ratio = _measure(url, channel, call)
                print(f"| {what} | {http_ms:.2f} | {grpc_ms:.2f} | {ratio:.2f} |", flush=True)
            bulk, stream, ratio = _stream_rate(channel, messages.request(history))
            print(
                f"{LINKS} histories in one call {bulk:.0f}/s, as a stream of {CHUNK} each "
                f"{stream:.0f}/s, ratio {ratio:.2f}"
            )


def _calls(history: History, names: list[str]) -> Mapping[str, Call]:
    transfer = {"bytes": 4 * 10**9, "deadline_s": 300.0}
    query = "&".join(f"{name}={value}" for name, value in transfer.items())
    return {
        "a forecast from a history": Call(
            "/v1/forecast",
            json.dumps(request(history)).encode(),
            "Forecast",
            messages.request(history),
        ),
        "a forecast of a stored link": Call(
            f"/v1/links/{names[0]}/forecast",
            b"",
            "LinkForecast",
            pb.LinkForecastRequest(link_id=names[0]),
        ),
        f"forecasts of {len(names)} stored links": Call(
            "/v1/links/forecasts",
            json.dumps({"link_ids": names}).encode(),
            "LinkForecasts",
            pb.LinkForecastsRequest(link_ids=names),
        ),
        "a transfer over a stored link": Call(
            f"/v1/links/{names[0]}/transfer?{query}",
            b"",
            "Transfer",
            pb.TransferRequest(link_id=names[0], **transfer),
        ),
    }


def _measure(url: str, channel: grpc.Channel, call: Call) -> tuple[float, float, float]:
    """Return the p50 of HTTP and of gRPC in ms, in turns, and the median ratio of the turns."""
    method, message = channel.unary_unary(messages.METHODS[call.method].path), call.message
    data = message.SerializeToString()  # prepared bytes, as over HTTP

    def over_http(seconds: float) -> float:
        result = load.run(url, call.path, call.body, 1, seconds)
        assert not result.failed, call.path
        return result.percentile(50)

    def over_grpc(seconds: float) -> float:
        return _median_ms(lambda: method(data, timeout=60), seconds)

    over_http(WARM_UP_S), over_grpc(WARM_UP_S)
    pairs = []
    for number in range(ROUNDS):
        turns = (over_http, over_grpc) if number % 2 else (over_grpc, over_http)
        figures = {turn: turn(SECONDS) for turn in turns}
        pairs.append((figures[over_http], figures[over_grpc]))
    http_ms, grpc_ms = map(median, zip(*pairs, strict=True))
    return http_ms, grpc_ms, median(second / first for first, second in pairs)


def _stream_rate(channel: grpc.Channel, history: pb.ForecastRequest) -> tuple[float, float, float]:
    """Return the histories a second of the bulk call and of the stream, and the ratio of turns."""
    stub = pba_pb2_grpc.PredictorStub(channel)  # type: ignore[no-untyped-call]
    whole = pb.ForecastBatchRequest(requests=[history] * LINKS)
    parts = [pb.ForecastBatchRequest(requests=[history] * CHUNK)] * (LINKS // CHUNK)

    def bulk() -> int:
        return len(stub.ForecastBatch(whole, timeout=60).forecasts)

    def stream() -> int:
        return sum(len(one.forecasts) for one in stub.ForecastStream(iter(parts), timeout=60))

    pairs = []
    for number in range(ROUNDS + 1):
        rates = {}
        for call in (bulk, stream) if number % 2 else (stream, bulk):
            started = time.perf_counter()
            assert call() == LINKS
            rates[call] = LINKS / (time.perf_counter() - started)
        pairs.append((rates[bulk], rates[stream]))
    del pairs[0]  # the first round warms up
    in_bulk, streamed = map(median, zip(*pairs, strict=True))
    return in_bulk, streamed, median(second / first for first, second in pairs)


def _median_ms(call: Callable[[], object], seconds: float) -> float:
    latencies_s = []
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        call()
        latencies_s.append(time.perf_counter() - started)
    return median(latencies_s) * 1000


def _store(url: str, names: Sequence[str], history: History) -> None:
    """Report the history under each name, and check that each link has a forecast then."""
    rows = request(history)["history"]
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for start in range(0, len(names), CHUNK):
            links = names[start : start + CHUNK]
            samples = [{"link_id": name} | row for name in links for row in rows]
            client.post("/v1/samples", json={"samples": samples}).raise_for_status()
        response = client.post("/v1/links/forecasts", json={"link_ids": list(names)})
        items = response.raise_for_status().json()["forecasts"]
    assert {item["forecast"]["source"] for item in items} == {"model"}


if __name__ == "__main__":
    main()
