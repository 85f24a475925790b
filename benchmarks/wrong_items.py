"""8 MB of wrong items on every way in, and what they cost: `python -m benchmarks.wrong_items`.

CPU time and memory are the router's; /livez goes beside, from this process.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
import numpy as np
import psutil

from benchmarks import load, request_bodies, servers
from pba.types import NetworkMode
from tests.support.ports import own_port

SIZE = 8_000_000
TIMES = 10
LIVE_RATE = 100.0
ITEMS = {
    "numbers": b"1",
    "empty objects": b"{}",
    "unknown fields": b'{"x":1}',
    "400 numbers each": b'{"history":[%s]}' % b",".join([b"1"] * 400),
    "300 objects each": b'{"history":[%s]}' % b",".join([b"{}"] * 300),
    "nested lists": b"[" * 400 + b"]" * 400,
}
ROUTES = {
    "/v1/forecast": "history",
    "/v1/forecasts": "requests",
    "/v1/samples": "samples",
    "/v1/links/a/samples": "samples",
    "/v1/links/forecasts": "link_ids",
}
MESSAGES = {"empty items": b"", "unknown fields": b"\xf8\x7f\x01", "negative": b"\x09" + b"\0" * 8}
METHODS = ("Forecast", "ForecastBatch", "LinkForecasts", "Observe", "Transfer", "Transfers")
Send = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What one body costs the router, and /livez beside."""

    answer: object
    cpu_s: float
    memory: float  # in bytes of the body
    livez_p99_ms: float


def main() -> None:
    with own_port() as port, servers.service(grpc_port=port) as (url, _):
        asyncio.run(
            load.send(url, "/v1/forecast", request_bodies.forecast_body(NetworkMode.INTERNET), 4, 3)
        )
        print("| way in | 8 MB of | answer | CPU s | memory, of the body | /livez p99 ms |")
        print("| --- | --- | --- | --- | --- | --- |")
        for way, what, send in calls(url, f"127.0.0.1:{port}"):
            cost = measure(url, send)
            print(
                f"| {way} | {what} | {cost.answer} | {cost.cpu_s:.2f} | {cost.memory:.1f} "
                f"| {cost.livez_p99_ms:.0f} |",
                flush=True,
            )


def calls(url: str, grpc_address: str) -> Iterator[tuple[str, str, Send]]:
    """Yield every way in with each kind of wrong items, and what sends them."""
    for path, name in ROUTES.items():
        for what, item in ITEMS.items():
            yield path, what, _http(url + path, _list_body(name, item))
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(grpc_address, options) as channel:
        for method in METHODS:
            for what, item in MESSAGES.items():
                field = b"\x0a%c%s" % (len(item), item)
                call = channel.unary_unary(f"/pba.v1.Predictor/{method}")
                yield f"gRPC {method}", what, _grpc(call, field * (SIZE // len(field)))


def measure(url: str, send: Send) -> Cost:
    """Return the median cost of one of `TIMES` bodies, sent one after the other."""
    router = _router()
    before_mb, peak_mb, costs_s, answers = _resident_mb(router), 0.0, [], []

    def attack() -> None:
        for _ in range(TIMES):
            started_s = _cpu_s(router)
            answers.append(send())
            costs_s.append(_cpu_s(router) - started_s)

    def watch() -> None:
        nonlocal peak_mb
        while sender.is_alive():
            peak_mb = max(peak_mb, _resident_mb(router))
            time.sleep(0.002)

    sender, watcher = threading.Thread(target=attack), threading.Thread(target=watch)
    sender.start()
    watcher.start()
    latencies_ms: list[float] = []
    while sender.is_alive():
        latencies_ms += load.run(url, "/livez", b"", 1, 0.5, LIVE_RATE).latency_ms.tolist()
    watcher.join()
    memory = max(0.0, peak_mb - before_mb) * 1e6 / SIZE
    return Cost(
        answers[0], float(np.median(costs_s)), memory, float(np.percentile(latencies_ms, 99))
    )


def _list_body(name: str, item: bytes) -> bytes:
    return b'{"%s":[%s]}' % (name.encode(), b",".join([item] * (SIZE // (len(item) + 1))))


def _http(url: str, body: bytes) -> Send:
    return lambda: httpx.post(url, content=body, headers=load.JSON, timeout=60).status_code


def _grpc(call: Any, message: bytes) -> Send:
    def send() -> object:
        try:
            call(message, timeout=60)
        except grpc.RpcError as error:
            return error.code().name  # type: ignore[attr-defined]
        return "OK"

    return send


def _router() -> psutil.Process:
    (router,) = (
        process
        for process in psutil.Process().children(recursive=True)
        if "ServeReplica:pba:Router" in " ".join(process.cmdline()[:1])
    )
    return router


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _resident_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
