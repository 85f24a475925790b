"""What does a forecast cost beside a bare server, and beside the service of the baseline?

Both are of the commit `servers.BASELINE`, so the ratios tell of every later change.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from statistics import median

import grpc
import httpx

from benchmarks import handle, load, request_bodies, servers
from deployments.grpc import pba_pb2 as pb
from pba.client import request
from pba.types import NetworkMode
from tests.deployments.grpc import messages
from tests.support.ports import own_port

MODES = (NetworkMode.INTERNET, NetworkMode.DATACENTER)
CONNECTIONS = (1, 8, 32)
ROUNDS, SECONDS, WARM_UP_S = 5, 4.0, 3.0
STEADY_ROUNDS, STEADY_SECONDS = 3, 15.0

Figures = dict[str, float]
"""Name → the median of the rounds, such as ``p50_1`` (ms) and ``rps_32`` by connections."""


def beside_bare() -> Iterator[list[str]]:
    """Yield lines of Markdown: HTTP in each mode, then gRPC and a handle."""
    with (
        own_port() as port,
        servers.baseline() as project,
        servers.bare(project) as bare,
        servers.service(grpc_port=port) as (url, environment),
    ):
        for mode in MODES:
            yield _http_rows(mode, measure({"bare": bare, "service": url}, mode))
        yield _grpc_lines(bare, port)
        yield _handle_lines(bare, environment)
        yield _steady_lines(url)


def beside_baseline() -> list[str]:
    """Return lines of Markdown: single forecasts in turns with the service of the baseline."""
    rows = [
        "| one forecast over HTTP, 1 connection | before, p50 ms | now | ratio |",
        "| --- | --- | --- | --- |",
    ]
    with (
        servers.baseline() as project,
        servers.service(project=project) as (before, _),
        servers.service() as (now, _),
    ):
        calls = [_prepare(url) for url in (before, now)][0]
        for name, (path, body) in calls.items():
            rounds = []
            for _ in range(ROUNDS):
                pair = [load.run(url, path, body, 1, SECONDS) for url in (before, now)]
                rounds.append([result.percentile(50) for result in pair])
            old_ms, new_ms = map(median, zip(*rounds, strict=True))
            ratio = median(new / old for old, new in rounds)
            rows.append(f"| {name} | {old_ms:.1f} | {new_ms:.1f} | {ratio:.2f} |")
    return [*rows, ""]


def measure(urls: Mapping[str, str], mode: NetworkMode) -> dict[str, Figures]:
    """Return the figures of each server, all under load in turns, round by round."""
    body = request_bodies.forecast_body(mode)
    figures: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in urls}
    for url in urls.values():
        load.run(url, "/v1/forecast", body, 8, WARM_UP_S)
    for _ in range(ROUNDS):
        for connections in CONNECTIONS:
            for name, url in urls.items():
                result = load.run(url, "/v1/forecast", body, connections, SECONDS)
                if result.failed:
                    raise RuntimeError(f"{result.failed} requests to {name} failed")
                figures[name][f"rps_{connections}"].append(result.per_second)
                for share in (50, 99):
                    value = result.percentile(share)
                    figures[name][f"p{share}_{connections}"].append(value)
    return {
        name: {key: median(values) for key, values in rows.items()}
        for name, rows in figures.items()
    }


def _http_rows(mode: NetworkMode, figures: Mapping[str, Figures]) -> list[str]:
    bare, service = figures["bare"], figures["service"]
    ratio = {name: service[name] / bare[name] for name in bare}
    rates = [f"rps_{count}" for count in CONNECTIONS]
    return [
        f"| one {mode} forecast over HTTP | p50 ms, 1 connection | requests/s at 1 / 8 / 32 | "
        "p99 ms at 32 |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {of['p50_1']:.1f} | {' / '.join(f'{of[rate]:.0f}' for rate in rates)} | "
            f"{of['p99_32']:.0f} |"
            for name, of in figures.items()
        ),
        f"| ratio | {ratio['p50_1']:.2f} | {' / '.join(f'{ratio[rate]:.2f}' for rate in rates)} | "
        f"{ratio['p99_32']:.2f} |",
        "",
    ]


def _grpc_lines(bare: str, port: int) -> list[str]:
    """Return the latency over gRPC, in turns with the bare server's over HTTP."""
    (history,) = request_bodies.histories(NetworkMode.INTERNET, 1)
    body = request_bodies.forecast_body(NetworkMode.INTERNET)
    message = messages.request(history, mode=pb.MODE_INTERNET).SerializeToString()
    rounds = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/pba.v1.Predictor/Forecast")  # prepared bytes, as over HTTP
        for _ in range(ROUNDS):
            bare_ms = load.run(bare, "/v1/forecast", body, 1, SECONDS).percentile(50)
            rounds.append((_median_ms(lambda: call(message, timeout=30)), bare_ms))
    ratio = median(grpc_ms / bare_ms for grpc_ms, bare_ms in rounds)
    return [
        f"Over gRPC, one internet forecast: p50 {median(ms for ms, _ in rounds):.1f} ms, "
        f"{ratio:.2f} of the bare server's over HTTP.",
        "",
    ]


def _handle_lines(bare: str, environment: dict[str, str]) -> list[str]:
    body = request_bodies.forecast_body(NetworkMode.INTERNET)
    rounds = []
    for _ in range(ROUNDS):
        bare_ms = load.run(bare, "/v1/forecast", body, 1, SECONDS).percentile(50)
        rounds.append((handle.measure(environment), bare_ms))
    figures = {name: median(one[name] for one, _ in rounds) for name in rounds[0][0]}
    ratio = median(one["p50_1"] / bare_ms for one, bare_ms in rounds)
    return [
        f"Through a handle from a second program: p50 {figures['p50_1']:.1f} ms, {ratio:.2f} of "
        f"the bare server's over HTTP; {figures['rps_1']:.0f} requests/s with 1 caller, "
        f"{figures['rps_32']:.0f} with 32.",
        "",
    ]


def _steady_lines(url: str) -> list[str]:
    """Return the p99 of each mode at 20 requests per second, the median of three runs."""
    modes = []
    for mode in MODES:
        body = request_bodies.forecast_body(mode)
        load.run(url, "/v1/forecast", body, 4, WARM_UP_S)
        runs = [
            load.run(url, "/v1/forecast", body, 4, STEADY_SECONDS, rate=20.0)
            for _ in range(STEADY_ROUNDS)
        ]
        modes.append(f"{mode} {median(result.percentile(99) for result in runs):.0f} ms")
    return [f"p99 at 20 requests/s over HTTP: {', '.join(modes)}.", ""]


def _prepare(url: str) -> dict[str, tuple[str, bytes]]:
    """Store a link; return path and body of each kind of forecast that is compared."""
    (history,) = request_bodies.histories(NetworkMode.INTERNET, 1)
    body = json.dumps({"samples": request(history)["history"]})
    httpx.post(
        f"{url}/v1/links/one/samples", content=body, headers=load.JSON, timeout=30
    ).raise_for_status()
    given = {
        f"{mode}, given history": ("/v1/forecast", request_bodies.forecast_body(mode))
        for mode in MODES
    }
    return given | {"internet, stored link": ("/v1/links/one/forecast", b"")}


def _median_ms(call: Callable[[], object]) -> float:
    """Return the median ms of calls one after the other, for as long as a round lasts."""
    latencies_s = []
    end = time.perf_counter() + SECONDS
    while (started := time.perf_counter()) < end:
        call()
        latencies_s.append(time.perf_counter() - started)
    return median(latencies_s) * 1000
