"""What does Ray Serve cost over HTTP? One internet forecast, beside a bare server in one run."""

from statistics import median

from benchmarks import bodies, load, servers
from pba.types import NetworkMode

ROUNDS, SECONDS = 3, 4.0
CONNECTIONS = (1, 8, 32)


def measure(plain: bool) -> dict[str, dict[str, float]]:
    """Return medians over rounds in which bare server and service take turns."""
    body = bodies.one(NetworkMode.INTERNET)
    found: dict[str, dict[str, list[float]]] = {}
    with servers.bare() as bare, servers.service(plain) as (service, _):
        for url in (bare, service):
            load.run(url, "/v1/forecast", body, 8, 3.0)  # warm
        for _ in range(ROUNDS):
            for name, url in (("bare", bare), ("service", service)):
                for connections in CONNECTIONS:
                    ran = load.run(url, "/v1/forecast", body, connections, SECONDS)
                    figures = found.setdefault(name, {})
                    figures.setdefault(f"rps_{connections}", []).append(ran.per_second)
                    figures.setdefault(f"p50_{connections}", []).append(ran.percentile(50))
                    figures.setdefault("failed", []).append(ran.failed)
    return {name: {key: median(v) for key, v in part.items()} for name, part in found.items()}


def steady(url: str) -> dict[str, float]:
    """Return the p99 of either mode at 20 requests a second, in ms; three runs, the median."""
    found = {}
    for mode in (NetworkMode.DATACENTER, NetworkMode.INTERNET):
        body = bodies.one(mode)
        load.run(url, "/v1/forecast", body, 4, 3.0)
        runs = [load.run(url, "/v1/forecast", body, 4, 15.0, rate=20.0) for _ in range(3)]
        found[mode.value] = median(ran.percentile(99) for ran in runs)
    return found
