"""Does replacing the router cost concurrent requests? `python -m benchmarks.replacements [TIMES]`

HTTP and gRPC clients that retry send forecasts without a pause, while a changed setting of the
router is deployed again and again. Every call must end with a forecast.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import grpc
import yaml

from benchmarks import request_bodies, servers
from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from pba.client import AsyncPBAClient
from pba.types import NetworkMode
from tests.deployments.grpc import messages
from tests.support.ports import own_port

CLIENTS, SETTLED_S = 8, 10.0


def main(times: int = 3) -> None:
    with own_port() as port, servers.service(grpc_port=port) as (url, environment):
        outcomes, replaced_s = asyncio.run(_measure(url, port, environment, times))
    seconds = ", ".join(f"{duration:.0f}" for duration in replaced_s)
    print(f"{times} replacements of the router, ready again after {seconds} s.")
    print(f"{CLIENTS} HTTP and {CLIENTS} gRPC clients: {dict(outcomes)}")


async def _measure(
    url: str, port: int, environment: dict[str, str], times: int
) -> tuple[Counter[str], list[float]]:
    outcomes: Counter[str] = Counter()
    stop = asyncio.Event()
    (history,) = request_bodies.histories(NetworkMode.INTERNET, 1)
    message = messages.request(history, mode=pb.MODE_INTERNET)
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", messages.RETRYING)
    async with channel, AsyncPBAClient(url) as client:
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

        clients = [
            asyncio.create_task(call()) for call in (over_http, over_grpc) for _ in range(CLIENTS)
        ]
        durations_s = []
        for number in range(times):
            await asyncio.sleep(SETTLED_S)
            started = time.monotonic()
            await asyncio.to_thread(_deploy, environment, 0.25 + 0.01 * number)
            durations_s.append(time.monotonic() - started)
        await asyncio.sleep(SETTLED_S)
        stop.set()
        await asyncio.gather(*clients)
    return outcomes, durations_s


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
