"""Do one to three routers together keep a caller's limit? `python -m benchmarks.shared_limits`.

A key may make 60 calls a second, and 180 are sent, over many connections. What is answered within
the last 15 s of 20 is compared with the limit.
"""

import asyncio
import tempfile
import time
from collections import Counter

import httpx

from benchmarks import servers
from pba.security import Role, new_key
from pba.security.limits import Limits
from pba.store import Store

LIMIT, SENT, WARM_UP_S, SECONDS = 60.0, 180.0, 5.0, 15.0


def main() -> None:
    """Print the rate for each number of routers."""
    for routers in (1, 2, 3):
        with tempfile.TemporaryDirectory(prefix="pbab", dir="/tmp") as folder:
            store_url = f"sqlite:///{folder}/pba.db"
            key = _key(store_url)
            with servers.service(store_url, replicas={"Router": routers}) as (url, _):
                statuses = asyncio.run(_sent(url, key))
        rate = statuses[200] / SECONDS
        print(f"{routers} routers: {rate:.1f} calls/s, {rate / LIMIT:.2f} of the limit", end="; ")
        print(f"statuses {dict(statuses)}", flush=True)


async def _sent(url: str, key: str) -> Counter[int]:
    """Return how many responses there were of each status, once every router knows of all."""
    statuses: Counter[int] = Counter()
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits) as client:
        began_s = time.perf_counter()
        calls: set[asyncio.Task[None]] = set()

        async def call(counts: bool) -> None:
            response = await client.get("/v1/flags")
            statuses[response.status_code] += counts

        while (elapsed_s := time.perf_counter() - began_s) < WARM_UP_S + SECONDS:
            task = asyncio.create_task(call(elapsed_s >= WARM_UP_S))
            calls.add(task)
            task.add_done_callback(calls.discard)
            await asyncio.sleep(1 / SENT)
        await asyncio.gather(*calls)
    return statuses


def _key(store_url: str) -> str:
    store = Store(store_url, lambda: 0.0).ready()
    limits = Limits(requests_per_s=LIMIT)
    record, key = new_key("benchmark", Role.READER, 0.0, limits=limits)
    store.keys.add(record)
    store.close()
    return key


if __name__ == "__main__":
    main()
