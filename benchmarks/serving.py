"""What does Ray Serve cost over HTTP? One internet forecast, compared with a bare server."""

from collections import defaultdict
from statistics import median

from benchmarks import load, request_bodies, servers
from pba.types import NetworkMode

ROUNDS, SECONDS = 3, 4.0
CONNECTIONS = (1, 8, 32)
WARM_UP_S = 3.0
STEADY_ROUNDS, STEADY_SECONDS = 3, 15.0


def measure(plain: bool) -> dict[str, dict[str, float]]:
    """Return the medians of rounds in which bare server and service alternate."""
    body = request_bodies.forecast_body(NetworkMode.INTERNET)
    figures: dict[str, dict[str, list[float]]] = {
        "bare": defaultdict(list),
        "service": defaultdict(list),
    }
    with servers.bare() as bare_url, servers.service(plain) as (service_url, _):
        urls = {"bare": bare_url, "service": service_url}
        for url in urls.values():
            load.run(url, "/v1/forecast", body, 8, WARM_UP_S)
        for _ in range(ROUNDS):
            for name, url in urls.items():
                for connections in CONNECTIONS:
                    result = load.run(url, "/v1/forecast", body, connections, SECONDS)
                    figures[name][f"rps_{connections}"].append(result.per_second)
                    figures[name][f"p50_{connections}"].append(result.percentile(50))
                    figures[name]["failed"].append(result.failed)
    return {
        name: {key: median(values) for key, values in rows.items()}
        for name, rows in figures.items()
    }


def steady(url: str) -> dict[str, float]:
    """Return the p99 of each mode at 20 requests per second, in ms; the median of three runs."""
    p99_ms = {}
    for mode in (NetworkMode.DATACENTER, NetworkMode.INTERNET):
        body = request_bodies.forecast_body(mode)
        load.run(url, "/v1/forecast", body, 4, WARM_UP_S)
        runs = [
            load.run(url, "/v1/forecast", body, 4, STEADY_SECONDS, rate=20.0)
            for _ in range(STEADY_ROUNDS)
        ]
        p99_ms[mode.value] = median(result.percentile(99) for result in runs)
    return p99_ms
