"""How soon does a watcher have the forecast after a sample? `python -m benchmarks.watch [LINKS]`.

LINKS links, 350 by default, report a sample a second in bulk calls of 500 for a minute. One gRPC
stream watches all of them. The delay is from the acknowledgement of samples to a forecast.
"""

import asyncio
import sys
import time

import grpc
import httpx
import numpy as np

from benchmarks import servers
from benchmarks.cpu import cpu_s
from benchmarks.loop_client import STEP_S, Controllers, Figures
from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from tests.support.ports import own_port

LINKS, STEPS = 350, 60


class Delays:
    """When each sample was acknowledged, and when its forecast came."""

    def __init__(self) -> None:
        self.acknowledged_s: dict[int, float] = {}
        self.arrivals: list[tuple[int, float]] = []

    def milliseconds(self) -> list[float]:
        """Return the delay of each forecast of a step; below 0 before the acknowledgement came."""
        return [
            (at_s - self.acknowledged_s[sample]) * 1000
            for sample, at_s in self.arrivals
            if sample in self.acknowledged_s
        ]


def main(links: int) -> None:
    with own_port() as port, servers.service(grpc_port=port) as (url, environment):
        folder = environment["RAY_TMPDIR"]
        before = sum(seconds for _, seconds in cpu_s(folder).values())
        delays, late = asyncio.run(run(url, f"127.0.0.1:{port}", links))
        used = sum(seconds for _, seconds in cpu_s(folder).values()) - before
    milliseconds = delays.milliseconds()
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    print(
        f"{links} links, {STEPS} s: {len(milliseconds)} forecasts of {links * STEPS} samples; "
        f"delay p50 {p50:.0f} p95 {p95:.0f} p99 {p99:.0f} ms; late steps {late}; CPU ms a loop "
        f"{used * 1000 / (links * STEPS):.2f}, the histories before included"
    )


async def run(url: str, address: str, links: int) -> tuple[Delays, int]:
    """Return the delays, and how many steps began late."""
    delays, figures = Delays(), Figures(links, STEPS)
    headers = {"content-type": "application/json"}
    async with (
        httpx.AsyncClient(base_url=url, timeout=120, trust_env=False, headers=headers) as client,
        grpc.aio.insecure_channel(address) as channel,
    ):
        controllers = Controllers(client, links, one_call=False)
        await controllers.report_past()
        stub = pba_pb2_grpc.PredictorStub(channel)
        watching = asyncio.create_task(_watch(stub, delays))
        await asyncio.sleep(5)
        started_s = time.perf_counter()
        for step in range(STEPS):
            ahead_s = started_s + step * STEP_S - time.perf_counter()
            figures.late += ahead_s < -STEP_S
            await asyncio.sleep(max(0.0, ahead_s))
            at_s = time.time()  # noqa: TID251
            await controllers.report(at_s)
            delays.acknowledged_s[_key(at_s)] = time.perf_counter()
        await asyncio.sleep(2)
        watching.cancel()
    return delays, figures.late


async def _watch(stub: pba_pb2_grpc.PredictorStub, delays: Delays) -> None:
    async for response in stub.Watch(pb.WatchRequest(prefixes=["loop:"])):
        at_s = time.perf_counter()
        delays.arrivals += [(_key(one.newest_sample_at_s), at_s) for one in response.forecasts]


def _key(at_s: float) -> int:
    return round(at_s * 1000)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else LINKS)
