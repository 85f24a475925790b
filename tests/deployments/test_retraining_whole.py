"""A planted change leads to an alarm, the Monitor's job and a new champion, without a person."""

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
from tests.support.ray_head import TOKEN
from tests.support.service import running_service
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ROOT = Path(__file__).parents[2]
MODEL = "datacenter"
LINKS, CALM, CHANGED = 6, 150, 750
COUNT = CALM + CHANGED
OPTIONS = {
    "--least-windows": 500,
    "--epochs": 3,
    "--batch-size": 64,
    "--learning-rate": 0.003,
}


def telemetry_of(link: int, began_s: float) -> History:
    """Return a link that is calm, and then swings between two rates in steps of two samples."""
    rng = np.random.default_rng(link)
    swing = np.where(np.arange(CHANGED) // 2 % 2, 2.5, 1.0)
    noise = np.exp(rng.normal(0.0, 0.03, COUNT))
    telemetry = np.full((COUNT, 5), np.nan)
    telemetry[:, 0] = (2000.0 + 500.0 * link) * np.concatenate([np.ones(CALM), swing]) * noise
    telemetry[:, 1] = 0.5
    return History(began_s + np.arange(COUNT), telemetry)


def part(history: History, first: int, stop: int) -> History:
    return History(history.timestamps_s[first:stop], history.telemetry[first:stop])


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Return a registry whose champion is the shipped model, trained on nothing of the kind."""
    registry = Registry(str(tmp_path / "registry"), time.time)  # noqa: TID251 - the service's clock
    registry.promote(MODEL, registry.publish(str(ROOT / "models" / MODEL), "test").version, "test")
    return registry


def events(url: str, kind: str) -> list[dict[str, Any]]:
    rows = httpx.get(f"{url}/v1/events?kind={kind}").raise_for_status().json()["events"]
    return [row["body"] for row in rows]


def live(client: PBAClient, began_s: float) -> None:
    """Have all links report, and link 0 be forecast at each of its samples."""
    for link in range(1, LINKS):  # before the alarm, which has the job begin
        client.observe(f"{link}", telemetry_of(link, began_s))
    history = telemetry_of(0, began_s)
    client.observe("0", part(history, 0, 60))
    for index in range(60, COUNT):
        client.link_forecast("0")
        client.observe("0", part(history, index, index + 1))


def in_band(registry: Registry, version: str, windows: Floats, actual: Floats) -> float:
    """Return how often a version alone is in band, one step ahead."""
    forecaster, _ = registry.load(MODEL, version)
    prediction = forecaster.predict(windows)
    points = decode(prediction.probabilities, prediction.level_mbps, forecaster.bins).bandwidth_mbps
    return accuracy(points[:, 0], actual)


def test_a_planted_change_ends_in_a_new_champion_that_serves(
    head: str, registry: Registry, tmp_path: Path
) -> None:
    began_s = time.time() - COUNT  # noqa: TID251 - the service's clock
    first = registry.champion(MODEL).version
    token = tmp_path / "token"
    token.write_text(TOKEN)
    options = OPTIONS | {"--output": tmp_path / "out"}
    with (
        running_service(
            registry=registry.root,
            retrain_on_drift=True,
            retrain_address=head,
            retrain_token=str(token),
            retrain_working_dir=str(ROOT),
            retrain_python=sys.executable,
            retrain_args=" ".join(f"{name} {value}" for name, value in options.items()),
        ) as service,
        PBAClient(service.url) as client,
    ):
        wait_until(lambda: client.models()[MODEL]["version"] == first)
        live(client, began_s)
        wait_until(lambda: bool(events(service.url, "drift")))
        wait_until(lambda: bool(events(service.url, "retraining")))
        wait_until(lambda: bool(events(service.url, "retrained")), limit_s=300)
        (outcome,) = events(service.url, "retrained")
        assert outcome["reasons"] == []
        assert (outcome["decision"], outcome["champion"]) == ("promote", first)
        wait_until(lambda: client.models()[MODEL]["version"] == outcome["version"])
        calm = part(telemetry_of(1, began_s), 0, CALM)
        wait_until(lambda: client.forecast(calm).model_version == outcome["version"])
        assert len(events(service.url, "retraining")) == 1, "one a day"
    forecaster, _ = registry.load(MODEL, first)
    last = telemetry_of(0, began_s).telemetry[-(60 + forecaster.window) :].astype(np.float32)
    windows = np.stack([last[index : index + forecaster.window] for index in range(60)])
    actual = last[forecaster.window :, 0]
    before, after = (
        in_band(registry, version, windows, actual) for version in (first, outcome["version"])
    )
    assert after > before + 0.1
