"""Does replacing the router cost concurrent requests? `python -m benchmarks.replacements [TIMES]`

HTTP and gRPC clients that retry send forecasts without a pause, while a changed setting of the
router is deployed again and again. Every call must end with a forecast. The HTTP clients know two
addresses, of which one is dead from the start. Beside them a link reports five times a second, and
a stream over each protocol watches it: how long both are without one, and whether the newest
forecast is missed.
"""

import asyncio
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import yaml

from benchmarks import request_bodies, servers
from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from pba.client import AsyncPBAClient
from pba.types import NetworkMetrics, NetworkMode
from tests.deployments.grpc import messages
from tests.support.ports import own_port

CLIENTS, SETTLED_S = 8, 10.0
WATCHED, HISTORY, EVERY_S = "fra1:watched", 60, 0.2


@dataclass
class Watched:
    """A link that reports, and when its forecasts come."""

    reported_s: list[tuple[float, float]] = field(default_factory=list)
    """The time of each sample, and when it was acknowledged."""

    came_s: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By stream, the newest sample of each forecast and when it came."""

    def note(self, stream: str, newest_s: float) -> None:
        """Note a forecast that has come over a stream."""
        self.came_s.setdefault(stream, []).append((newest_s, time.monotonic()))

    def longest_wait_s(self, stream: str) -> float:
        """Return how long a sample waited at most for a forecast from it or a newer one.

        That is infinite where none came.
        """
        came = iter(self.came_s[stream])
        newest_s, at_s, longest_s = -math.inf, 0.0, 0.0
        for sample_s, acknowledged_s in self.reported_s:
            while newest_s < sample_s - 1e-3:
                newest_s, at_s = next(came, (math.inf, math.inf))
            longest_s = max(longest_s, at_s - acknowledged_s)
        return longest_s


def main(times: int = 3) -> None:
    with (
        own_port() as port,
        own_port() as dead_port,
        servers.service(grpc_port=port) as (url, environment),
    ):
        dead = f"127.0.0.1:{dead_port}"
        urls, target = f"http://{dead},{url}", f"ipv4:{dead},127.0.0.1:{port}"
        outcomes, watched, replaced_s = asyncio.run(_measure(urls, target, environment, times))
    seconds = ", ".join(f"{duration:.0f}" for duration in replaced_s)
    print(f"{times} replacements of the router, ready again after {seconds} s.")
    print(f"{CLIENTS} HTTP and {CLIENTS} gRPC clients: {dict(outcomes)}")
    for stream, came_s in watched.came_s.items():
        print(
            f"{stream} stream: {len(came_s)} forecasts of {len(watched.reported_s)} samples; the "
            f"longest wait for the newest is {watched.longest_wait_s(stream):.2f} s"
        )


async def _measure(
    urls: str, target: str, environment: dict[str, str], times: int
) -> tuple[Counter[str], Watched, list[float]]:
    outcomes, watched, stop = Counter[str](), Watched(), asyncio.Event()
    (history,) = request_bodies.histories(NetworkMode.INTERNET, 1)
    message = messages.request(history, mode=pb.MODE_INTERNET)
    channel = grpc.aio.insecure_channel(target, messages.RETRYING)
    async with channel, AsyncPBAClient(urls) as client:
        stub = pba_pb2_grpc.PredictorStub(channel)  # type: ignore[no-untyped-call]

        async def over_http() -> None:
            while not stop.is_set():
                try:
                    await client.forecast(history)
                    outcomes["HTTP forecast"] += 1
                except Exception as error:
                    outcomes[f"HTTP {error!r:.200}"] += 1

        async def over_grpc() -> None:
            while not stop.is_set():
                try:
                    await stub.Forecast(message, timeout=60, wait_for_ready=True)
                    outcomes["gRPC forecast"] += 1
                except grpc.aio.AioRpcError as error:
                    outcomes[f"gRPC {error.code()}: {error.details()}"] += 1

        await _report(client, watched, HISTORY)
        watches = (_watch_over_http(client, watched), _watch_over_grpc(stub, watched))
        streams = list(map(asyncio.create_task, watches))
        clients = [
            asyncio.create_task(call()) for call in (over_http, over_grpc) for _ in range(CLIENTS)
        ]
        clients.append(asyncio.create_task(_report_until(client, watched, stop)))
        durations_s = [await _replace(environment, number) for number in range(times)]
        await asyncio.sleep(SETTLED_S)
        stop.set()
        await asyncio.gather(*clients)
        await _end(streams)
    return outcomes, watched, durations_s


async def _end(streams: Sequence[asyncio.Task[None]]) -> None:
    """End streams once the last forecast has had time to come."""
    await asyncio.sleep(1.0)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)


async def _replace(environment: dict[str, str], number: int) -> float:
    """Replace the router after some seconds; return how many seconds that takes."""
    await asyncio.sleep(SETTLED_S)
    started = time.monotonic()
    await asyncio.to_thread(_deploy, environment, 0.25 + 0.01 * number)
    return time.monotonic() - started


async def _report(client: AsyncPBAClient, watched: Watched, count: int = 1) -> None:
    """Report samples, the last of now."""
    now_s = time.time()  # noqa: TID251
    samples = [NetworkMetrics(now_s - EVERY_S * ago, 20.0) for ago in reversed(range(count))]
    await client.observe(WATCHED, samples)
    watched.reported_s.append((now_s, time.monotonic()))


async def _report_until(client: AsyncPBAClient, watched: Watched, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await asyncio.sleep(EVERY_S)
        await _report(client, watched)


async def _watch_over_http(client: AsyncPBAClient, watched: Watched) -> None:
    async for forecast in client.watch(WATCHED):
        watched.note("HTTP", forecast.newest_sample_at.timestamp())


async def _watch_over_grpc(stub: pba_pb2_grpc.PredictorStub, watched: Watched) -> None:
    token = ""
    while True:
        request = pb.WatchRequest(link_ids=[WATCHED], resume_token=token)
        try:
            async for response in stub.Watch(request, wait_for_ready=True):
                token = response.resume_token or token
                for forecast in response.forecasts:
                    watched.note("gRPC", forecast.newest_sample_at_s)
        except grpc.aio.AioRpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise


def _deploy(environment: dict[str, str], cpus: float) -> None:
    """Deploy the running configuration with another number of CPUs of the router."""
    folder = Path(environment["RAY_TMPDIR"])
    config = yaml.safe_load((folder / "serve.yaml").read_text())
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "Router":
            deployment["ray_actor_options"] = {"num_cpus": cpus}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=folder) as file:
        yaml.safe_dump(config, file)
        file.flush()
        subprocess.run(
            [sys.executable, "-c", _DEPLOY.format(file.name)],
            env=os.environ | environment,
            cwd=servers.PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )


_DEPLOY = """
import time
import ray
from ray import serve
from ray.serve.scripts import run
ray.init(address="auto", namespace="serve")
run.main([{!r}, "--non-blocking"], standalone_mode=False)
while (app := serve.status().applications["pba"]).status != "RUNNING":
    assert app.status == "DEPLOYING", app.message
    time.sleep(0.1)
"""


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
