"""What do 300 bad keys a second cost others? `python -m benchmarks.bad_keys`, and in `make bench`.

Small forecasts with a key, alone and beside requests with keys that do not exist, in turns on one
service. The CPU is that of the router and of HAProxy, more than alone.
"""

import asyncio
import tempfile
from statistics import median

from benchmarks import load, servers
from benchmarks.cpu import cpu_s
from benchmarks.request_bodies import forecast_body
from pba.security import Role, new_key
from pba.store import Store
from pba.types import NetworkMode

ROUNDS, SECONDS, RATE, BAD_RATE = 5, 10.0, 40.0, 300.0
KINDS = ("router", "proxy")


def lines() -> list[str]:
    """Return the figures, in Markdown."""
    with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder:
        store_url = f"sqlite:///{folder}/pba.db"
        key = _key(store_url)
        with servers.service(store_url=store_url, until="/livez") as (url, environment):
            return _measured(url, environment["RAY_TMPDIR"], key)


def _measured(url: str, folder: str, key: str) -> list[str]:
    body, head = forecast_body(NetworkMode.INTERNET), f"Authorization: Bearer {key}\r\n"
    asyncio.run(load.send(url, "/v1/forecast", body, 4, SECONDS, RATE, head=head))
    ratios, costs_ms, failed = [], [], 0
    for _ in range(ROUNDS):
        alone, alone_s = _run(url, folder, body, head, 0.0)
        beside, beside_s = _run(url, folder, body, head, BAD_RATE)
        ratios.append(beside.percentile(99) / alone.percentile(99))
        costs_ms.append((beside_s - alone_s) * 1000 / (BAD_RATE * SECONDS))
        failed += alone.failed + beside.failed
    return [
        f"{BAD_RATE:.0f} bad keys a second beside {RATE:.0f} forecasts with a valid key, medians "
        f"of {ROUNDS} rounds: p99 of the forecasts {median(ratios):.2f} x that of them alone, CPU "
        f"of router and HAProxy {median(costs_ms):.2f} ms a bad key; {failed} forecasts failed.",
        "",
    ]


def _run(url: str, folder: str, body: bytes, head: str, bad_rate: float) -> tuple[load.Load, float]:
    """Return the forecasts of one run, and the CPU seconds of router and HAProxy."""
    before = _cpu_s(folder)
    forecasts = asyncio.run(_both(url, body, head, bad_rate))
    return forecasts, _cpu_s(folder) - before


async def _both(url: str, body: bytes, head: str, bad_rate: float) -> load.Load:
    unknown = f"Authorization: Bearer {new_key('nobody', Role.ADMIN, 0.0)[1]}\r\n"
    calls = [load.send(url, "/v1/forecast", body, 4, SECONDS, RATE, head=head)]
    if bad_rate:
        calls.append(load.send(url, "/v1/flags", b"", 8, SECONDS, bad_rate, head=unknown))
    forecasts, *_ = await asyncio.gather(*calls)
    return forecasts


def _cpu_s(folder: str) -> float:
    return sum(seconds for kind, seconds in cpu_s(folder).values() if kind in KINDS)


def _key(store_url: str) -> str:
    store = Store(store_url, lambda: 0.0).ready()
    record, key = new_key("benchmark", Role.READER, 0.0)
    store.keys.add(record)
    store.close()
    return key


if __name__ == "__main__":
    print(*lines(), sep="\n")
