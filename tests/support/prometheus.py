"""A Prometheus with the configuration and the rules of `cluster/`, in a hurry."""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.ports import own_port
from tests.support.waiting import wait_until

CLUSTER = Path(__file__).parents[2] / "cluster"
_OWN_TARGET = "127.0.0.1:9464"

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="needs Prometheus (Debian: prometheus)"
)


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def query(self, expression: str) -> list[Any]:
        """Return the series of ``expression`` now that have a number."""
        answer = httpx.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=10)
        assert answer.status_code == 200, (expression, answer.text)
        series = answer.json()["data"]["result"]
        return [one for one in series if one["value"][1] != "NaN"]

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules with their health."""
        groups = httpx.get(f"{self.url}/api/v1/rules", timeout=10).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def is_ready(self) -> bool:
        """Whether it answers."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/-/ready", timeout=2).status_code == 200
        return False


@contextlib.contextmanager
def prometheus(metrics_port: int, folder: Path) -> Iterator[Prometheus]:
    """Start a Prometheus that scrapes ``metrics_port`` and applies the rules every five seconds."""
    config = (CLUSTER / "prometheus.yml").read_text()
    assert _OWN_TARGET in config
    config = config.replace(_OWN_TARGET, f"127.0.0.1:{metrics_port}")
    for name, text in (
        ("prometheus.yml", config.replace("15s", "2s").replace("1m", "5s")),
        (
            "alerts.yml",
            (CLUSTER / "alerts.yml").read_text().replace("interval: 1m", "interval: 1s"),
        ),
    ):
        (folder / name).write_text(text)
    with own_port() as port, (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            running = Prometheus(f"http://127.0.0.1:{port}")
            wait_until(running.is_ready, "Prometheus' start")
            yield running
        finally:
            process.terminate()
            process.wait(20)
