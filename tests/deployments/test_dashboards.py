"""Every panel of the dashboards has data, in a Prometheus that scrapes a service at work."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest

from cluster.grafana.write_dashboards import DASHBOARDS
from pba.client import PBAClient
from pba.registry.promotion import RETRAINED
from pba.store import Store
from pba.types import Event, History
from tests.support.histories import START_S, steady_history
from tests.support.prometheus import Prometheus, needs_prometheus, prometheus
from tests.support.service import RunningService
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow, needs_prometheus]

LINK, LIMIT_S = "fra1:ams2", 150.0


@contextmanager
def traffic(service: RunningService) -> Iterator[None]:
    """Have links report, get forecasts, and send something wrong, four times a second."""
    ended = threading.Event()

    def send() -> None:
        second = 70
        with PBAClient(service.url) as client:
            client.observe(LINK, steady_history(70))
            while not ended.wait(0.25):
                client.link_forecast(LINK)
                newest = History(np.array([START_S + second]), np.array([[50.0, *[np.nan] * 4]]))
                client.observe(LINK, newest)
                httpx.post(f"{service.url}/v1/forecast", json={"history": []})
                second += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)


def queries() -> list[tuple[str, str]]:
    """Return the title of each panel's dashboard and its own, and a query of it."""
    return [
        (f"{dashboard.title}, {panel.title}", query.replace("$__rate_interval", "20s"))
        for dashboard in DASHBOARDS.values()
        for row in dashboard.rows.values()
        for panel in row
        for query, _ in panel.queries
    ]


def without_data(server: Prometheus) -> list[tuple[str, str]]:
    return [(title, query) for title, query in queries() if not server.query(query)]


def test_every_panel_has_data(service: RunningService, tmp_path: Path):
    args = service.config["applications"][0]["args"]
    retrained = {"model": "internet", "decision": "refuse"}
    now_s = time.time()  # noqa: TID251 - older events are deleted
    store = Store(args["store_url"], lambda: now_s)
    store.add_events([Event(RETRAINED, now_s, None, retrained)])
    store.close()
    with prometheus(args["metrics_port"], tmp_path) as server, traffic(service):
        empty: list[tuple[str, str]] = []

        def have_data() -> bool:
            empty[:] = without_data(server)
            return not empty

        try:
            wait_until(have_data, limit_s=LIMIT_S)
        except AssertionError:
            raise AssertionError(f"no data: {empty}") from None
        assert {rule["health"] for rule in server.rules()} == {"ok"}
        exported = httpx.get(f"http://127.0.0.1:{args['metrics_port']}/metrics").text
        assert "ray_dwcp_pba_predictions_total{" in exported, "for one release"
        assert LINK not in exported, "a link in a label"
