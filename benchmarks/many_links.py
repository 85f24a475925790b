"""How long does a page of 100 000 links take? `python -m benchmarks.many_links DATABASE`.

In every order, of all modes and of a rare one, without and with a search; the first eight pages of
50 links each. Then all links in pages of 1000, which must find each link once.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import Connection, insert, select

from pba.forecasting.link_record import LinkRecord
from pba.security import EVERYTHING
from pba.store import Store
from pba.store.tables import links, records
from pba.types import NetworkMode
from tests.support.postgres import postgresql

LINKS, NETWORKS = 100_000, 300
PAGE, PAGES, LARGE_PAGE = 50, 8, 1000
SEARCHES = ("", "site7", "zzz", "net42:", "site99999>")
RARE = NetworkMode.HYBRID
SHARES = {NetworkMode.INTERNET: 0.8, NetworkMode.DATACENTER: 0.199, RARE: 0.001}
ORDERS = ("name", "accuracy", "drift", "silent")
CHUNK = 5000

_clock = time.time  # noqa: TID251 - links are silent since a while ago, by the wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database", choices=("sqlite", "postgresql"))
    with _url(parser.parse_args().database) as url:
        store = Store(url, _clock).ready()
        try:
            store._database.write(_fill)
            print("| order | pages | p50 ms | p95 ms | longest ms | its query |")
            print("| --- | --- | --- | --- | --- | --- |")
            for order in ORDERS:
                _print_times(store, order)
            for order in ORDERS:
                _print_whole(store, order)
        finally:
            store.close()


@contextmanager
def _url(database: str) -> Iterator[str]:
    if database == "postgresql":
        with postgresql() as server:
            yield server.url
    else:
        with TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder) / 'pba.db'}"


def _fill(connection: Connection) -> None:
    """Store links with records: a hundredth in alarm, a hundredth with a drift."""
    rng = np.random.default_rng(0)
    now_us = int(_clock() * 1e6)
    modes = rng.choice(list(SHARES), LINKS, p=list(SHARES.values()))
    silent_us = rng.exponential(3.6e9, LINKS)
    rows = [
        {
            "link_id": f"net{number % NETWORKS}:site{number}>x",
            "mode": str(modes[number]),
            "newest_us": now_us - int(silent_us[number]),
            "heard_us": now_us,
        }
        for number in rng.permutation(LINKS).tolist()
    ]
    for part in _parts(rows):
        connection.execute(insert(links), part)
    body = LinkRecord(scored=100, hits=80).to_bytes()
    accuracy = np.minimum(1000 * rng.beta(8, 2, LINKS), 1000).astype(int).tolist()
    drifted = np.where(rng.random(LINKS) < 0.01, np.round(rng.random(LINKS), 4), 0.0).tolist()
    alarms = (rng.random(LINKS) < 0.01).tolist()
    identities = connection.execute(select(links.c.id)).scalars()
    columns = zip(identities, alarms, accuracy, drifted, strict=True)
    rows = [
        {
            "link": link,
            "body": body,
            "drift": bytes(500),
            "alarm": alarm,
            "accuracy_permille": permille,
            "drift_size": size,
        }
        for link, alarm, permille, size in columns
    ]
    for part in _parts(rows):
        connection.execute(insert(records), part)


def _parts(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def _print_times(store: Store, order: str) -> None:
    times_ms = []
    for mode, search in product((None, RARE), SEARCHES):
        after = ""
        for _ in range(PAGES):
            started = time.perf_counter()
            page = store.links(mode, after, PAGE, EVERYTHING, search, order)
            times_ms.append(((time.perf_counter() - started) * 1000, mode or "all", search))
            after = page[-1].cursor if len(page) == PAGE else ""
    longest_ms, mode, search = max(times_ms)
    p50, p95 = np.percentile([one for one, _, _ in times_ms], [50, 95])
    query = f"{mode}, searching for `{search}`" if search else mode
    row = f"| {order} | {len(times_ms)} | {p50:.1f} | {p95:.1f} | {longest_ms:.1f} | {query} |"
    print(row, flush=True)


def _print_whole(store: Store, order: str) -> None:
    names, after, longest_s = [], "", 0.0
    whole = time.perf_counter()
    while True:
        started = time.perf_counter()
        page = store.links(None, after, LARGE_PAGE, EVERYTHING, "", order)
        longest_s = max(longest_s, time.perf_counter() - started)
        names += [one.link_id for one in page]
        if len(page) < LARGE_PAGE:
            break
        after = page[-1].cursor
    took_s = time.perf_counter() - whole
    assert len(names) == len(set(names)) == LINKS, order
    print(f"all by {order}: {took_s:.1f} s, {longest_s * 1000:.0f} ms the longest page", flush=True)


if __name__ == "__main__":
    main()
