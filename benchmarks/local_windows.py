"""From how many windows on does a call to a model deployment pay? `local_windows` is chosen by it.

One service answers every request in its router, the other none.
"""

from statistics import median

from benchmarks import load, request_bodies, servers
from pba.types import NetworkMode

SIZES = (1, 2, 4, 8, 16, 32)
CONNECTIONS = (1, 8)
ROUNDS, SECONDS, WARM_UP_S = 3, 4.0, 3.0


def lines() -> list[str]:
    """Return a table in Markdown: in each cell in the router / in the deployment."""
    rows = [
        "| forecasts in a request | internet, p50 ms of 1 connection | forecasts/s of 8 | "
        "datacenter, p50 ms of 1 connection | forecasts/s of 8 |",
        "| --- | --- | --- | --- | --- |",
    ]
    local = {"Router": {"local_windows": max(SIZES), "local_wait_ms": 10_000.0}}
    remote = {"Router": {"local_windows": 0}}
    with (
        servers.service(user_config=local) as (here, _),
        servers.service(user_config=remote) as (there, _),
    ):
        for size in SIZES:
            cells = [str(size)]
            for mode in (NetworkMode.INTERNET, NetworkMode.DATACENTER):
                cells += _cells([here, there], request_bodies.bulk_body(mode, size), size)
            rows.append(f"| {' | '.join(cells)} |")
    return [*rows, ""]


def _cells(urls: list[str], body: bytes, size: int) -> list[str]:
    p50_ms: list[list[float]] = [[] for _ in urls]
    rates: list[list[float]] = [[] for _ in urls]
    for _ in range(ROUNDS):
        for place, url in enumerate(urls):
            load.run(url, "/v1/forecasts", body, 8, WARM_UP_S / ROUNDS)
            lone, loaded = (
                load.run(url, "/v1/forecasts", body, count, SECONDS) for count in CONNECTIONS
            )
            p50_ms[place].append(lone.percentile(50))
            rates[place].append(loaded.per_second * size)
    return [
        " / ".join(f"{median(values):.1f}" for values in p50_ms),
        " / ".join(f"{median(values):.0f}" for values in rates),
    ]


if __name__ == "__main__":
    print(*lines(), sep="\n")
