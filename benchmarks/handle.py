"""What does a call through a Ray handle cost, from a second program on the same Ray?"""

import json
import subprocess
import sys

from benchmarks import servers

PROGRAM = """
import asyncio, json, logging, statistics, time
import ray
from ray import serve
from benchmarks import bodies
from pba.types import NetworkMode

ray.init(address="auto", namespace="serve", logging_level=logging.ERROR, log_to_driver=False)
handle = serve.get_app_handle("pba")
request = json.loads(bodies.one(NetworkMode.INTERNET))


async def many(connections, seconds):
    end, taken = time.perf_counter() + seconds, []

    async def one():
        while time.perf_counter() < end:
            started = time.perf_counter()
            await handle.forecast.remote(request)
            taken.append(time.perf_counter() - started)

    await asyncio.gather(*(one() for _ in range(connections)))
    return statistics.median(taken) * 1000, len(taken) / seconds


async def main():
    await many(4, 3)
    p50, rps = zip(*[await many(1, 4) for _ in range(3)])
    _, rps_32 = zip(*[await many(32, 4) for _ in range(3)])
    middle = statistics.median
    print(json.dumps({"p50_1": middle(p50), "rps_1": middle(rps), "rps_32": middle(rps_32)}))

asyncio.run(main())
"""


def measure(environment: dict[str, str]) -> dict[str, float]:
    """Return the median latency (ms) of one caller and requests a second of 1 and 32.

    ``environment`` is that of a second program on the Ray of the service.
    """
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=servers.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found
