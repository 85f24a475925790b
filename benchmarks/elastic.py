"""Do replicas follow the load? `python -m benchmarks.elastic [--doublings 4] [--start 4]`

The internet model takes 50 ms (`benchmarks.sleeping_model`), so that a replica does 20 forecasts a
second and replicas, not cores, are the capacity. Requests come at random times: for a minute at the
first rate, then twice as many each minute, a minute at the most, and back. The settings of
scaling are those of `serve_config.yaml`, but for `downscale_delay_s`. Reported for each half minute
are what was sent, the latency, and the replicas; p99 may be twice that of the first minute.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import numpy as np
import yaml

from benchmarks import request_bodies, servers
from pba.types import NetworkMode

STEP_S, SLICE_S, DRAIN_S = 60.0, 30.0, 90.0
SCALING = {"downscale_delay_s": 30, "max_replicas": 8}
_STATUS = """
import json, logging, time
import ray
from ray import serve
ray.init(address="auto", namespace="serve", logging_level=logging.ERROR, log_to_driver=False)
while True:
    deployment = serve.status().applications["pba"].deployments["InternetModel"]
    print(json.dumps(deployment.replica_states.get("RUNNING", 0)), flush=True)
    time.sleep(1)
"""


@dataclass
class Course:
    """The rate over time, and what came of it."""

    start: float
    doublings: int
    sent: list[tuple[float, float]] = field(default_factory=list)
    """When each call was due, seconds from the begin, and its latency in ms."""
    failed: int = 0
    replicas: list[tuple[float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return STEP_S * (2 + 2 * self.doublings)

    def rate(self, at_s: float) -> float:
        """Return the calls a second: a minute, doubled every minute, a minute, and back."""
        minutes = at_s / STEP_S
        up = min(max(minutes - 1, 0.0), self.doublings)
        down = min(max(minutes - 2 - self.doublings, 0.0), self.doublings)
        return self.start * 2.0 ** (up - down)

    def p99_ms(self, from_s: float, to_s: float) -> float:
        latencies = [latency for due_s, latency in self.sent if from_s <= due_s < to_s]
        return float(np.percentile(latencies, 99)) if latencies else float("nan")


def config(port: int, folder: str) -> str:
    content = yaml.safe_load((servers.PROJECT / "serve_config.yaml").read_text())
    content["http_options"]["port"] = port
    (application,) = content["applications"]
    application["import_path"] = "benchmarks.sleeping_model:build"
    application["args"] = {
        "store_url": f"sqlite:///{folder}/pba.db",
        "registry": f"{folder}/registry",
        "grpc_port": 0,
    }
    deployments = {one["name"]: one for one in application["deployments"]}
    deployments["Router"]["user_config"]["local_windows"] = 0
    deployments["InternetModel"]["user_config"]["max_batch"] = 1
    deployments["InternetModel"]["autoscaling_config"] |= SCALING
    deployments["InternetModel"]["ray_actor_options"] = {"num_cpus": 0.1}
    del deployments["BaselineModel"]
    application["deployments"] = list(deployments.values())
    return yaml.safe_dump(content)


async def send(url: str, course: Course) -> None:
    """Send at random times; a call that waits delays no other."""
    body = request_bodies.forecast_body(NetworkMode.INTERNET)
    rng, calls = np.random.default_rng(0), []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def call(due_s: float) -> None:
            response = await client.post(
                "/v1/forecast", content=body, headers={"Content-Type": "application/json"}
            )
            forecast = response.json()
            course.failed += response.status_code != 200 or forecast["source"] == "heuristic"
            course.sent.append((due_s, (time.monotonic() - began_s - due_s) * 1000))

        for _ in range(150):  # for some seconds: what is slow at first counts nowhere
            await client.post("/v1/forecast", content=body)
        began_s, due_s = time.monotonic(), 0.0
        while (due_s := due_s + rng.exponential(1 / course.rate(due_s))) < course.seconds:
            await asyncio.sleep(began_s + due_s - time.monotonic())
            calls.append(asyncio.create_task(call(due_s)))
        await asyncio.gather(*calls)


@contextmanager
def replicas_of(environment: dict[str, str], course: Course) -> Iterator[None]:
    """Note the replicas that run, once a second, from a second program."""
    process = subprocess.Popen(
        [sys.executable, "-c", _STATUS], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()  # it has joined
    began_s = time.monotonic()

    def read() -> None:
        for line in process.stdout or ():
            course.replicas.append((time.monotonic() - began_s, int(json.loads(line))))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        process.kill()
        process.wait()
        reader.join()


def report(course: Course) -> None:
    limit_ms = 2 * course.p99_ms(0, STEP_S)
    print(
        "| from, s | requests/s | replicas | p50, ms | p99, ms |\n| --- | --- | --- | --- | --- |"
    )
    for from_s in np.arange(0, course.seconds, SLICE_S):
        rows = [ms for due_s, ms in course.sent if from_s <= due_s < from_s + SLICE_S]
        counts = [count for at_s, count in course.replicas if from_s <= at_s < from_s + SLICE_S]
        figures = f"{np.median(rows):.0f} | {np.percentile(rows, 99):.0f}"
        span = f"{min(counts)}–{max(counts)}" if counts else "?"
        print(f"| {from_s:.0f} | {len(rows) / SLICE_S:.1f} | {span} | {figures} |")
    slices = np.arange(STEP_S, course.seconds, SLICE_S)
    worst_ms = max(course.p99_ms(from_s, from_s + SLICE_S) for from_s in slices)
    most, last = max(count for _, count in course.replicas), course.replicas[-1][1]
    print(
        f"\np99 {worst_ms:.0f} ms at most, the limit is {limit_ms:.0f}; up to {most} replicas, "
        f"{last} at the end; {course.failed} of {len(course.sent)} failed or without the model."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doublings", type=int, default=4)
    parser.add_argument("--start", type=float, default=4.0)
    options = parser.parse_args()
    course = Course(options.start, options.doublings)
    with servers.configured(config) as (url, environment), replicas_of(environment, course):
        asyncio.run(send(url, course))
        limit_s = time.monotonic() + DRAIN_S
        while course.replicas[-1][1] > 1 and time.monotonic() < limit_s:
            time.sleep(1)
    report(course)


if __name__ == "__main__":
    main()
