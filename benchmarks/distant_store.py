"""What does a database two milliseconds away cost? `python -m benchmarks.distant_store`

A sample is written, and what a forecast by name starts from is read and the forecast recorded, as a
router does it, once beside the database and once through a proxy that delays each message by 2 ms
in both directions. The calls are the store's: no HTTP, no model.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from pba.store import SampleReport, Store, StoredForecast, WriteBatch
from tests.support.database_proxy import database_proxy
from tests.support.postgres import postgresql

CALLS = 200
DELAY_S = 0.002
START_S = 1e9
PREDICTION = {
    "points_mbps": [50.0] * 3,
    "confidence": [0.8] * 3,
    "unadapted": [0.8] * 3,
    "quantiles_mbps": [[40.0, 42.0, 45.0, 50.0, 55.0, 58.0, 60.0]] * 3,
    "members": {"model": [50.0] * 3},
}


def median_ms(call: Callable[[int], object]) -> float:
    """Return the median time of `CALLS` calls, each with its number."""
    times_s = []
    for number in range(CALLS):
        started = time.perf_counter()
        call(number)
        times_s.append(time.perf_counter() - started)
    return statistics.median(times_s) * 1000


def measure(url: str) -> dict[str, float]:
    """Return the median milliseconds of each kind of call on the database at ``url``."""
    store = Store(url, lambda: START_S).ready()

    def report(number: int) -> None:
        times_s = np.array([START_S + number])
        store.write(WriteBatch([SampleReport("a", times_s, np.full((1, 5), 50.0) / 1000)]))

    def read(_: int) -> None:
        store.link_contexts(["a"])

    def record(number: int) -> None:
        forecast = StoredForecast(
            "a", START_S + number, START_S, "internet", "model", "v1", 1.0, 2.0, PREDICTION
        )
        store.write(WriteBatch(forecasts=[forecast]))

    medians = {
        "a reported sample": median_ms(report),
        "a forecast's reading": median_ms(read),
        "its recording, which no caller waits for": median_ms(record),
    }
    store.close()
    return medians


def main() -> None:
    """Print a table of medians, in milliseconds."""
    with postgresql() as server:
        near = measure(server.url)
        with database_proxy(server.url, DELAY_S) as (url, _):
            far = measure(url)
    print("| p50, ms | beside the database | 2 ms away | more |\n| --- | --- | --- | --- |")
    for name, near_ms in near.items():
        print(f"| {name} | {near_ms:.1f} | {far[name]:.1f} | {far[name] - near_ms:.1f} |")


if __name__ == "__main__":
    main()
