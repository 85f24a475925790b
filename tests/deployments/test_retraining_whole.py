"""Without a person: a planted change, the alarm, the job on a real Ray head, a new champion.

All that Serve would wrap is here, Serve itself is not: the scorer's and the Monitor's parts are
called, and the champion's follower is asked what a replica would serve.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deployments.retraining import RayJobs, Retraining
from deployments.settings import Settings
from pba.distribution import decode
from pba.following import Follower, Loaded
from pba.metrics import accuracy
from pba.models.onnx import OnnxForecaster
from pba.monitor import Scorer
from pba.registry import Registry
from pba.store import Batch, Report, Said, Store
from tests.train.test_submit import ENVIRONMENT, ROOT, head

pytestmark = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
__all__ = ["head"]
MODEL = "datacenter"
LINKS, CALM, CHANGED = 6, 150, 450
START_S = 20_000 * 86_400.0


def rates(link: int) -> np.ndarray:
    """Return a link that is calm, and then swings between two rates in steps of two samples."""
    rng = np.random.default_rng(link)
    swing = np.where(np.arange(CHANGED) // 2 % 2, 2.5, 1.0)
    noise = np.exp(rng.normal(0.0, 0.03, CALM + CHANGED))
    return (2000.0 + 500.0 * link) * np.concatenate([np.ones(CALM), swing]) * noise


def report(link: int, first: int, stop: int) -> Report:
    telemetry = np.full((stop - first, 5), np.nan)
    telemetry[:, 0] = rates(link)[first:stop]
    return Report(f"{link}", START_S + np.arange(first, stop), telemetry)


def said(after: int, forecaster: OnnxForecaster, window: np.ndarray) -> Said:
    prediction = forecaster.predict(window[None])
    read = decode(prediction.probabilities, prediction.level_mbps, forecaster.bins)
    body = {
        "points_mbps": read.bandwidth_mbps[0].tolist(),
        "confidence": read.confidence[0].tolist(),
        "unadapted": read.confidence[0].tolist(),
        "quantiles_mbps": read.quantiles_mbps[0].tolist(),
        "members": {"model": read.bandwidth_mbps[0].tolist()},
    }
    moment = START_S + after
    return Said("0", moment, moment, MODEL, "model", forecaster.version, 1.0, 2.0, body)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path}/pba.db", lambda: START_S + CALM + CHANGED).ready()
    yield opened
    opened.close()


def first_champion(folder: Path) -> Path:
    words = ["--mode", MODEL, "--samples", "1500", "--epochs", "4", "--learning-rate", "0.003"]
    command = [sys.executable, "-m", "train", *words, "--output", str(folder)]
    subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=True, capture_output=True)
    return folder / MODEL


def live(store: Store, scorer: Scorer, forecaster: OnnxForecaster) -> None:
    """Have link 0 be forecast at each sample, and scored; the others only report."""
    telemetry = report(0, 0, CALM + CHANGED).telemetry.astype(np.float32)
    for at in range(CALM + CHANGED):
        kept = []
        if at >= forecaster.window:
            kept.append(said(at, forecaster, telemetry[at + 1 - forecaster.window : at + 1]))
        store.write(Batch([report(0, at, at + 1)], kept))
        scorer.hear(["0"])
        scorer.score()
    store.write(Batch([report(link, 0, CALM + CHANGED) for link in range(1, LINKS)]))


def test_a_planted_change_ends_in_a_new_champion(
    head: str,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    shipped = first_champion(tmp_path / "shipped")
    registry = Registry(str(tmp_path / "registry"), lambda: START_S)
    follower = Follower(registry, MODEL)
    serves = follower.look(str(shipped))
    assert isinstance(serves, Loaded)
    before = serves.forecaster

    live(store, Scorer(store), before)
    (alarm,) = store.alarms("drift")
    since_s = alarm.body["since_s"]
    assert since_s >= START_S + CALM - 5

    options = {
        "--shipped": shipped.parent,
        "--output": tmp_path / "out",
        "--least-windows": 500,
        "--epochs": 6,
        "--batch-size": 64,
        "--learning-rate": 0.003,
    }
    settings = Settings(
        store_url=f"sqlite:///{tmp_path}/pba.db",
        registry=registry.root,
        retrain_address=head,
        retrain_working_dir=str(ROOT),
        retrain_python=sys.executable,
        retrain_args=" ".join(f"{name} {value}" for name, value in options.items()),
    )
    jobs = RayJobs(settings)
    retraining = Retraining(store, jobs, 24.0, lambda: START_S)
    submitted = retraining.look()
    assert submitted is not None
    job = submitted.body["job"]
    assert Retraining(store, jobs, 24.0, lambda: START_S).look() is None, "one at a time"
    for _ in range(500):
        if not jobs.running(job):
            break
        time.sleep(1.0)
    (ended,) = store.events("retrained")
    assert ended.body["decision"] == "promote", ended.body

    serves = follower.look(str(shipped))
    assert isinstance(serves, Loaded)
    assert serves.forecaster.version == ended.body["version"] != before.version
    last = report(0, 0, CALM + CHANGED).telemetry.astype(np.float32)[-91:]
    windows = np.stack([last[at : at + before.window] for at in range(60)])
    actual = last[before.window : before.window + 60, 0]
    hits = {}
    for name, one in (("before", before), ("after", serves.forecaster)):
        prediction = one.predict(windows)
        read = decode(prediction.probabilities, prediction.level_mbps, one.bins)
        hits[name] = accuracy(read.bandwidth_mbps[:, 0], actual)
    assert hits["after"] > hits["before"] + 0.1, json.dumps(hits)
