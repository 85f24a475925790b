"""Callers of a cluster: 40 calls a second over HTTP and gRPC, with the shipped clients.

The load is open: a call begins when it is due, however many others wait.
"""

import asyncio
import contextlib
import itertools
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import grpc
import httpx

from benchmarks.cluster.calls import Call
from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from pba import AsyncPBAClient, NetworkMetrics, PBAClient
from pba.errors import PBAError

__all__ = ["BARE", "GRPC", "HTTP", "Load"]

HTTP, GRPC, BARE = "HTTP", "gRPC", "bare"
_LIMIT_S = 30.0
"""How long a client with retries may try."""
_LINKS = 80
_HISTORY = 60
"""Samples that each link has at first."""
_BARE_EVERY_S = 0.5
# As docs/grpc.md says.
_RETRY = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED", "RESOURCE_EXHAUSTED"],
}
_SERVICE = {"methodConfig": [{"name": [{"service": "pba.v1.Predictor"}], "retryPolicy": _RETRY}]}
_CHANNEL = [
    ("grpc.service_config", json.dumps(_SERVICE)),
    ("grpc.keepalive_time_ms", 5000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.min_reconnect_backoff_ms", 3000),
]

_RETRIES = 20
_Call = tuple[str, Callable[[str], Awaitable[object]]]
_clock = time.time  # noqa: TID251 - samples have the time of the wall


def rotations(addresses: Sequence[str]) -> list[list[str]]:
    """Return the addresses in order, beginning with each of them.

    >>> rotations(["a", "b", "c"])
    [['a', 'b', 'c'], ['b', 'c', 'a'], ['c', 'a', 'b']]
    """
    return [[*addresses[at:], *addresses[:at]] for at in range(len(addresses))]


class Load:
    """Calls that begin when the context is entered and end when it is left.

    Parameters
    ----------
    urls, grpc_addresses
        Where the nodes answer.
    rate_per_s
        Calls a second, half of them over HTTP; half report a sample, half want a forecast.
    """

    def __init__(
        self, urls: Sequence[str], grpc_addresses: Sequence[str], rate_per_s: float = 40.0
    ) -> None:
        self._urls, self._grpc, self._rate_per_s = list(urls), list(grpc_addresses), rate_per_s
        self.calls: list[Call] = []
        self.acknowledged: dict[str, set[float]] = defaultdict(set)
        self._began_s = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._random = random.Random(0)

    def __enter__(self) -> "Load":
        links = [f"{kind}:{number}" for kind in (HTTP, GRPC) for number in range(_LINKS)]
        begin = _clock() - _HISTORY
        samples = [
            NetworkMetrics(timestamp=begin + at, bandwidth_mbps=80 + at % 5, latency_ms=60.0)
            for at in range(_HISTORY)
        ]
        with PBAClient(self._urls, retries=20) as client:
            client.observe_many(dict.fromkeys(links, samples))
        self._began_s = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def now_s(self) -> float:
        """Return the time since the load began."""
        return time.monotonic() - self._began_s

    def with_retries(self) -> list[Call]:
        """Return the calls of the shipped clients so far."""
        return [call for call in self.calls if not call.client.startswith(BARE)]

    async def _run(self) -> None:
        """Call through a client and a channel for each node, which begin with that node."""
        async with contextlib.AsyncExitStack() as stack:
            bare = await stack.enter_async_context(httpx.AsyncClient(timeout=_LIMIT_S))
            clients = [AsyncPBAClient(urls, retries=_RETRIES) for urls in rotations(self._urls)]
            channels = [
                grpc.aio.insecure_channel(
                    f"ipv4:{','.join(addresses)}",
                    [*_CHANNEL, ("grpc.use_local_subchannel_pool", 1)],
                )
                for addresses in rotations(self._grpc)
            ]
            for each in (*clients, *channels):
                await stack.enter_async_context(each)
            stubs = [pba_pb2_grpc.PredictorStub(channel) for channel in channels]
            kinds = [*map(self._over_http, clients), *map(self._over_grpc, stubs)]
            calls = itertools.cycle([call for pair in zip(*kinds, strict=True) for call in pair])
            tasks = [asyncio.create_task(self._call_bare(bare, url)) for url in self._urls]
            async with asyncio.TaskGroup() as group:
                for number in itertools.count():
                    if self._stop.is_set():
                        break
                    kind, call = next(calls)
                    link = f"{kind}:{number // 2 % _LINKS}"
                    group.create_task(self._timed(kind, call, link))
                    due_s = (number + 1) / self._rate_per_s
                    await asyncio.sleep(max(0.0, due_s - self.now_s()))
            await asyncio.gather(*tasks)

    def _over_http(self, client: AsyncPBAClient) -> list[_Call]:
        return [(HTTP, partial(self._report, client)), (HTTP, client.link_forecast)]

    def _over_grpc(self, stub: pba_pb2_grpc.PredictorStub) -> list[_Call]:
        return [
            (GRPC, partial(self._report_grpc, stub)),
            (GRPC, partial(self._forecast_grpc, stub)),
        ]

    async def _timed(self, kind: str, call: Callable[[str], Awaitable[object]], link: str) -> None:
        started_s, error = self.now_s(), ""
        try:
            async with asyncio.timeout(_LIMIT_S):
                await call(link)
        except PBAError as failure:
            error = f"{type(failure).__name__}: {failure}"
        except grpc.aio.AioRpcError as failure:
            error = f"{failure.code().name}: {failure.details()}"
        except httpx.HTTPStatusError as failure:
            error = f"status {failure.response.status_code}"
        except (httpx.HTTPError, TimeoutError) as failure:
            error = type(failure).__name__
        self.calls.append(Call(kind, started_s, self.now_s(), error))

    async def _report(self, client: AsyncPBAClient, link: str) -> None:
        moment = _clock()
        sample = NetworkMetrics(
            timestamp=moment, bandwidth_mbps=80 + 5 * self._random.random(), latency_ms=60.0
        )
        receipt = await client.observe(link, [sample])
        if receipt["accepted"] + receipt["duplicates"] != 1:
            raise PBAError(f"the receipt is {receipt}")
        self.acknowledged[link].add(moment)

    async def _report_grpc(self, stub: pba_pb2_grpc.PredictorStub, link: str) -> None:
        moment = _clock()
        sample = pb.Sample(timestamp_s=moment, bandwidth_mbps=80.0, latency_ms=60.0)
        request = pb.ObserveRequest(samples=[pb.LinkSample(link_id=link, sample=sample)])
        await stub.Observe(request, timeout=_LIMIT_S, wait_for_ready=True)
        self.acknowledged[link].add(moment)

    async def _forecast_grpc(self, stub: pba_pb2_grpc.PredictorStub, link: str) -> None:
        request = pb.LinkForecastRequest(link_id=link)
        await stub.LinkForecast(request, timeout=_LIMIT_S, wait_for_ready=True)

    async def _call_bare(self, http: httpx.AsyncClient, url: str) -> None:
        """Call one node without retries, twice a second."""

        async def call(link: str) -> None:
            (await http.get(f"{url}/v1/links/{link}/forecast")).raise_for_status()

        async with asyncio.TaskGroup() as group:
            while not self._stop.is_set():
                name = f"{BARE} {httpx.URL(url).host}"
                group.create_task(self._timed(name, call, f"{HTTP}:0"))
                await asyncio.sleep(_BARE_EVERY_S)

    def wait(self, seconds: float) -> None:
        """Let the load go on for a while."""
        time.sleep(seconds)
