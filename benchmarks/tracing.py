"""What CPU does tracing cost a request, off and with 1 % of the requests traced?

`python -m benchmarks.tracing [BLOCKS] [REQUESTS]`. Three services run beside each other: the code
before there was tracing, this code without traces, and this code that traces one request in a
hundred and sends the spans. In each block every service gets the same requests, in changing order:
forecasts from given histories, and from stored ones, which are recorded. The CPU time of router,
model replicas and HAProxy counts, without what they use at rest. A ratio is that of one block; the
interval is Student's of the mean of their logarithms.
"""

import contextlib
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import numpy as np
from scipy import stats

from benchmarks import load, request_bodies, servers
from benchmarks.cpu import cpu_s
from pba.client import request
from pba.types import NetworkMode
from tests.support.otlp_receiver import otlp_receiver

BEFORE = "23c1100"
"""The last commit without tracing."""

BLOCKS, REQUESTS, WARM_UP, REST_S = 40, 300, 300, 10.0
LIMIT = 1.05
KINDS = ("router", "model replica", "proxy")


@dataclass(frozen=True)
class Service:
    """One of the services: its URL, the CPU clocks of its processes, what they use at rest."""

    url: str
    clocks: tuple[int, ...]
    rest: float

    def cpu_ms(self, bodies: tuple[bytes, str], requests: int) -> float:
        """Return the CPU ms a request of ``requests``, half of them of each kind."""
        body, path = bodies
        began_s, before_s = time.perf_counter(), _used_s(self.clocks)
        _send(self.url, body, path, requests)
        used_s = _used_s(self.clocks) - before_s
        return (used_s - self.rest * (time.perf_counter() - began_s)) * 1000 / requests


def main() -> None:
    """Print CPU time and ratios as Markdown; fail if an interval ends at 1.05 or above."""
    blocks, requests = (int(word) for word in [*sys.argv[1:], BLOCKS, REQUESTS][:2])
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(otlp_receiver())
        before = stack.enter_context(servers.baseline(BEFORE))
        sampled = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
        services = {
            "before": stack.enter_context(_service(project=before)),
            "off": stack.enter_context(_service()),
            "1 %": stack.enter_context(_service(environment=sampled)),
        }
        rows = measure(services, blocks, requests)
        spans = len(receiver.spans)
    print("| tracing | CPU ms a request, median | of before, mean ratio | 95 % interval |")
    print("| --- | --- | --- | --- |")
    above = [name for name in services if _row(name, rows) >= LIMIT]
    print(f"\n{blocks} blocks of {requests} requests to each service; {spans} spans received.")
    if above:
        sys.exit(f"the interval does not end below {LIMIT}: {', '.join(above)}")


def measure(services: dict[str, Service], blocks: int, requests: int) -> dict[str, list[float]]:
    """Return the CPU ms a request of each service in each block."""
    bodies = request_bodies.forecast_body(NetworkMode.INTERNET), "/v1/links/one/forecast"
    rows: dict[str, list[float]] = {name: [] for name in services}
    orders = itertools.cycle(itertools.permutations(services))
    for _, order in zip(range(blocks), orders, strict=False):
        for name in order:
            rows[name].append(services[name].cpu_ms(bodies, requests))
    return rows


def _row(name: str, rows: dict[str, list[float]]) -> float:
    """Print the row of a service; return where the interval of its ratio ends."""
    ratios = np.log(np.array(rows[name]) / np.array(rows["before"]))
    low, high = 1.0, 1.0
    if name != "before":
        interval = stats.ttest_1samp(ratios, 0.0).confidence_interval(0.95)
        low, high = np.exp(interval.low), np.exp(interval.high)
    mean = np.exp(ratios.mean())
    print(f"| {name} | {np.median(rows[name]):.2f} | {mean:.3f} | {low:.3f} to {high:.3f} |")
    return float(high)


@contextlib.contextmanager
def _service(**options: object) -> Iterator[Service]:
    """Start a service with one stored link, and wait until it is warm."""
    (history,) = request_bodies.histories(NetworkMode.INTERNET, 1)
    rows = [{"link_id": "one"} | row for row in request(history)["history"]]
    with servers.service(**options) as (url, environment):  # type: ignore[arg-type]
        httpx.post(f"{url}/v1/samples", json={"samples": rows}, timeout=30).raise_for_status()
        body = request_bodies.forecast_body(NetworkMode.INTERNET)
        _send(url, body, "/v1/links/one/forecast", WARM_UP)
        processes = cpu_s(environment["RAY_TMPDIR"]).items()
        clocks = tuple(_clock(int(pid)) for pid, (kind, _) in processes if kind in KINDS)
        before_s = _used_s(clocks)
        time.sleep(REST_S)
        yield Service(url, clocks, (_used_s(clocks) - before_s) / REST_S)


def _send(url: str, body: bytes, path: str, requests: int) -> None:
    """Send ``requests``, alternately the body and a request of the path; all have to succeed."""
    with httpx.Client(base_url=url, timeout=30, headers=load.JSON, trust_env=False) as client:
        for _ in range(requests // 2):
            assert "horizons" in json.loads(client.post("/v1/forecast", content=body).content)
            client.get(path).raise_for_status()


def _clock(pid: int) -> int:
    """Return the clock of the CPU time of a process, to the nanosecond (Linux)."""
    return ~pid << 3 | 2


def _used_s(clocks: tuple[int, ...]) -> float:
    return sum(map(time.clock_gettime, clocks))


if __name__ == "__main__":
    main()
