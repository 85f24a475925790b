"""Without a person: a planted change, its alarm, the Monitor's job, and a new champion."""

import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from pba.client import PBAClient
from pba.evaluation.metrics import accuracy
from pba.models.distribution import decode
from pba.registry import Registry
from pba.types import Floats, History
from tests.deployments.conftest import running_service
from tests.deployments.test_closed_loop import wait_until
from tests.train.test_submit import ROOT, head

pytestmark = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
__all__ = ["head"]
MODEL = "datacenter"
LINKS, CALM, CHANGED = 6, 150, 450
COUNT = CALM + CHANGED
OPTIONS = {
    "--least-windows": 500,
    "--epochs": 6,
    "--batch-size": 64,
    "--learning-rate": 0.003,
}


def reported(link: int, began_s: float) -> History:
    """Return a link that is calm, and then swings between two rates in steps of two samples."""
    rng = np.random.default_rng(link)
    swing = np.where(np.arange(CHANGED) // 2 % 2, 2.5, 1.0)
    noise = np.exp(rng.normal(0.0, 0.03, COUNT))
    telemetry = np.full((COUNT, 5), np.nan)
    telemetry[:, 0] = (2000.0 + 500.0 * link) * np.concatenate([np.ones(CALM), swing]) * noise
    telemetry[:, 1] = 0.5
    return History(began_s + np.arange(COUNT), telemetry)


def part(of: History, first: int, stop: int) -> History:
    return History(of.timestamps_s[first:stop], of.telemetry[first:stop])


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry whose champion is the shipped model, which has seen nothing of it."""
    made = Registry(str(tmp_path / "registry"), time.time)  # noqa: TID251 - the service's clock
    made.promote(MODEL, made.publish(str(ROOT / "models" / MODEL), "test").version, "test")
    return made


def events(url: str, kind: str) -> list[dict[str, Any]]:
    told = httpx.get(f"{url}/v1/events?kind={kind}").raise_for_status().json()["events"]
    return [one["body"] for one in told]


def live(client: PBAClient, began_s: float) -> None:
    """Have all links report, and link 0 be forecast at each of its samples."""
    for link in range(1, LINKS):  # before the alarm, which has the job begin
        client.observe(f"{link}", reported(link, began_s))
    of = reported(0, began_s)
    client.observe("0", part(of, 0, 60))
    for at in range(60, COUNT):
        client.link_forecast("0")
        client.observe("0", part(of, at, at + 1))


def in_band(registry: Registry, version: str, windows: Floats, actual: Floats) -> float:
    """Return how often a version alone is right, one step ahead."""
    forecaster, _ = registry.load(MODEL, version)
    said = forecaster.predict(windows)
    points = decode(said.probabilities, said.level_mbps, forecaster.bins).bandwidth_mbps
    return accuracy(points[:, 0], actual)


def test_a_planted_change_ends_in_a_new_champion_that_serves(
    head: str, registry: Registry, tmp_path: Path
) -> None:
    began_s = time.time() - COUNT  # noqa: TID251 - the service's clock
    first = registry.champion(MODEL).version
    options = OPTIONS | {"--output": tmp_path / "out"}
    with (
        running_service(
            registry=registry.root,
            retrain_on_drift=True,
            retrain_address=head,
            retrain_working_dir=str(ROOT),
            retrain_python=sys.executable,
            retrain_args=" ".join(f"{name} {value}" for name, value in options.items()),
        ) as service,
        PBAClient(service.url) as client,
    ):
        wait_until(lambda: client.models()[MODEL]["version"] == first, 30)
        live(client, began_s)
        wait_until(lambda: bool(events(service.url, "drift")), 30)
        wait_until(lambda: bool(events(service.url, "retraining")), 30)
        wait_until(lambda: bool(events(service.url, "retrained")), 300)
        (ended,) = events(service.url, "retrained")
        assert (ended["decision"], ended["champion"]) == ("promote", first), ended
        wait_until(lambda: client.models()[MODEL]["version"] == ended["version"], 5)
        of = part(reported(1, began_s), 0, CALM)
        assert client.forecast(of).model_version == ended["version"]
        assert len(events(service.url, "retraining")) == 1, "one a day"
    forecaster, _ = registry.load(MODEL, first)
    last = reported(0, began_s).telemetry[-(60 + forecaster.window) :].astype(np.float32)
    windows = np.stack([last[at : at + forecaster.window] for at in range(60)])
    actual = last[forecaster.window :, 0]
    before, after = (
        in_band(registry, version, windows, actual) for version in (first, ended["version"])
    )
    assert after > before + 0.1
