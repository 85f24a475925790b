"""Does the service work behind PgBouncer? `python -m benchmarks.pooled_store [CALLS]`

PgBouncer (`apt-get install pgbouncer`) runs in transaction mode with three server connections.
Mixed calls of several clients run at a time, and each answer is counted by its status. In the end
forecasts must have been scored, so the Monitor works through PgBouncer too.
"""

import itertools
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from benchmarks import servers
from pba.client import request
from tests.support.histories import steady_history
from tests.support.pgbouncer import PROGRAM, pgbouncer
from tests.support.postgres import postgresql
from tests.support.waiting import wait_until

CLIENTS, LINKS, SCORED_S = 8, 20, 60.0


class Calls:
    """Mixed calls, each for the next of some links, whose samples go on from call to call."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30)
        self._seconds = {f"link{number}": itertools.count(60) for number in range(LINKS)}
        self._lock = threading.Lock()
        self.statuses: Counter[tuple[str, int]] = Counter()

    def run(self, number: int) -> None:
        """Send call ``number`` and count its status."""
        link_id = f"link{number // len(KINDS) % LINKS}"
        with self._lock:
            second = next(self._seconds[link_id])
        kind = KINDS[number % len(KINDS)]
        method, path, body = call(kind, link_id, second)
        response = self._client.request(method, path, json=body)
        if response.status_code >= 400:
            print(kind, response.text, file=sys.stderr)
        with self._lock:
            self.statuses[kind, response.status_code] += 1


KINDS = ("samples", "link_forecast", "forecast", "bulk", "link", "history", "links", "reports")


def call(kind: str, link_id: str, second: int) -> tuple[str, str, Any]:
    """Return method, path and body of a call."""
    newest = request(steady_history(61, first=second - 60))["history"]
    reports = ("/v1/metrics", "/v1/events", "/v1/flags", "/v1/rollout", "/readyz")
    calls: dict[str, tuple[str, str, Any]] = {
        "samples": ("POST", f"/v1/links/{link_id}/samples", {"samples": newest}),
        "link_forecast": ("GET", f"/v1/links/{link_id}/forecast", None),
        "forecast": ("POST", "/v1/forecast", {"history": newest, "link_id": link_id}),
        "bulk": ("POST", "/v1/links/forecasts", {"link_ids": [f"link{n}" for n in range(LINKS)]}),
        "link": ("GET", f"/v1/links/{link_id}", None),
        "history": ("GET", f"/v1/links/{link_id}/history", None),
        "links": ("GET", "/v1/links?limit=10", None),
        "reports": ("GET", reports[second % len(reports)], None),
    }
    return calls[kind]


def main(count: int = 1000) -> None:
    if PROGRAM is None:
        sys.exit("PgBouncer is not installed: apt-get install pgbouncer")
    with postgresql() as server, pgbouncer(server.url) as store, servers.service(store) as (url, _):
        calls = Calls(url)
        for number in range(LINKS):  # so that every link exists
            calls.run(number * len(KINDS))
        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(calls.run, range(count)))
        wait_until(lambda: scored(url) > 0, "a scored forecast", limit_s=SCORED_S)
        print("| call | answers by status |")
        print("| --- | --- |")
        for kind in KINDS:
            by_status = {
                code: n for (name, code), n in sorted(calls.statuses.items()) if name == kind
            }
            print(f"| {kind} | {', '.join(f'{code}: {n}' for code, n in by_status.items())} |")
        print(f"\n{calls.statuses.total()} calls, {scored(url)} forecasts scored")
        sys.exit(any(code >= 400 for _, code in calls.statuses))


def scored(url: str) -> int:
    overall = httpx.get(f"{url}/v1/metrics", timeout=30).json()["overall"]
    return int(overall["scored"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
