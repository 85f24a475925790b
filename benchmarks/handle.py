"""What does a call through a Ray handle cost, from a second program on the same Ray?

`measure` runs this module as that program.
"""

import asyncio
import json
import logging
import subprocess
import sys
import time
from statistics import median
from typing import Any

from benchmarks import request_bodies, servers
from pba.types import NetworkMode

CONNECTIONS = (1, 32)
SECONDS, WARM_UP_S = 4.0, 3.0


def measure(environment: dict[str, str]) -> dict[str, float]:
    """Return the median latency (ms) and requests per second of 1 and of 32 callers.

    ``environment`` is that of a second program on the Ray of the service.
    """
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.handle"],
        env=environment | {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"},  # all calls are awaited
        cwd=servers.PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(process.stdout.strip().splitlines()[-1])
    return figures


def main() -> None:
    import ray
    from ray import serve

    # The address is that of the environment, RAY_ADDRESS.
    ray.init(address="auto", namespace="serve", logging_level=logging.ERROR, log_to_driver=False)
    print(json.dumps(asyncio.run(_figures(serve.get_app_handle("pba")))))


async def _figures(handle: Any) -> dict[str, float]:
    await _load(handle, 4, WARM_UP_S)
    figures = {}
    for connections in CONNECTIONS:
        p50_ms, per_second = await _load(handle, connections, SECONDS)
        figures[f"p50_{connections}"], figures[f"rps_{connections}"] = p50_ms, per_second
    return figures


async def _load(handle: Any, connections: int, seconds: float) -> tuple[float, float]:
    """Return the median latency in ms and the requests per second."""
    request = json.loads(request_bodies.forecast_body(NetworkMode.INTERNET))
    end, latencies_s = time.perf_counter() + seconds, []

    async def call_repeatedly() -> None:
        while time.perf_counter() < end:
            started = time.perf_counter()
            await handle.forecast.remote(request)
            latencies_s.append(time.perf_counter() - started)

    await asyncio.gather(*(call_repeatedly() for _ in range(connections)))
    return median(latencies_s) * 1000, len(latencies_s) / seconds


if __name__ == "__main__":
    main()
