"""The deployment around a host: batches, events in log and store, and health."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from deployments.replicas import model_announcer, model_replica
from deployments.replicas.autoscaling import ARRIVALS, BUSY
from deployments.replicas.model_replica import ModelReplica
from deployments.settings import Settings
from pba.errors import BadArtifact, InvalidInput
from pba.models.onnx import OnnxForecaster
from pba.registry import Registry
from pba.store import Store
from tests.registry.builders import MODE, NAME, NOW_S, publish_toys
from tests.support.waiting import until
from tests.toy import toy_artifact, toy_onnx

CONTEXT = SimpleNamespace(
    replica_tag="InternetModel#1", _deployment_config=SimpleNamespace(max_ongoing_requests=100)
)


class Node:
    """A folder with a shipped model, a registry and a store, and the replicas that use them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = {"model": str(toy_artifact(folder / "shipped", MODE))}
        self.registry = Registry(str(folder / "registry"), lambda: NOW_S)
        publish_toys(folder / "trained", self.registry, "a")
        self.store_url = f"sqlite:///{folder}/pba.db"
        self.replicas: list[ModelReplica] = []

    async def start(self) -> ModelReplica:
        settings = Settings(
            registry=self.registry.root, store_url=self.store_url, follow_every_s=0.01
        )
        replica = ModelReplica(NAME, settings)
        self.replicas.append(replica)
        await replica.reconfigure(self.config)
        return replica

    async def serving(self, replica: ModelReplica, version: str) -> None:
        """Wait until ``version`` serves and all events are stored."""
        host = replica._host
        await until(lambda: host.describe()["version"] == version, f"{version} serves")
        await asyncio.to_thread(replica._announcer._thread.shutdown)

    def events(self) -> list[dict[str, Any]]:
        store = Store(self.store_url, lambda: NOW_S).ready()
        events = store.events()
        store.close()
        return [{"kind": event.kind, **event.body} for event in reversed(events)]


@pytest.fixture
async def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(model_announcer.serve, "get_replica_context", lambda: CONTEXT)
    monkeypatch.setattr(model_replica, "set_up_replica", lambda: None)
    opened = Node(tmp_path)
    yield opened
    for replica in opened.replicas:
        replica._host.stop()


async def test_events_are_stored_in_order_with_the_replica(node: Node):
    replica = await node.start()
    node.registry.promote(NAME, "a", "anna")
    await node.serving(replica, "a")
    events = await asyncio.to_thread(node.events)
    assert [(event["kind"], event["version"], event["why"]) for event in events] == [
        ("model_serving", "toy-1", "start"),
        ("model_serving", "a", "promoted"),
    ]
    assert {event["replica"] for event in events} == {"InternetModel#1"}
    assert (events[1]["model"], events[1]["who"], events[1]["champion"]) == (NAME, "anna", 1)


async def test_an_unavailable_store_does_not_keep_a_champion_from_serving(
    node: Node, caplog: pytest.LogCaptureFixture
):
    node.store_url = f"postgresql://nobody@/x?host={node.folder}"
    replica = await node.start()
    node.registry.promote(NAME, "a", "me")
    await node.serving(replica, "a")
    lost = [record.kind for record in caplog.records if record.message == "event_not_stored"]  # type: ignore[attr-defined]
    assert lost == ["model_serving", "model_serving"]


async def test_concurrent_calls_share_a_run_and_get_their_own_rows(
    node: Node, monkeypatch: pytest.MonkeyPatch
):
    node.config |= {"max_batch": 6}  # type: ignore[dict-item]
    replica = await node.start()
    sizes = []
    predict = OnnxForecaster.predict

    def count(self: OnnxForecaster, telemetry: Any) -> Any:
        sizes.append(len(telemetry))
        return predict(self, telemetry)

    monkeypatch.setattr(OnnxForecaster, "predict", count)
    windows = np.random.default_rng(0).uniform(1, 100, (6, 60, 5)).astype(np.float32)
    parts = [windows[:1], windows[1:3], windows[3:]]
    outputs = await asyncio.gather(*(replica.predict(part) for part in parts))
    assert sizes == [6]
    expected = predict(OnnxForecaster(toy_onnx(MODE)), windows)
    joined = np.concatenate([output.prediction.probabilities for output in outputs])
    np.testing.assert_allclose(joined, expected.probabilities, rtol=1e-6)
    assert [len(output.prediction.level_mbps) for output in outputs] == [1, 2, 3]
    assert {output.version for output in outputs} == {"toy-1"}


async def test_a_replica_reports_what_arrives_and_the_time_it_computes(
    node: Node, monkeypatch: pytest.MonkeyPatch
):
    replica = await node.start()
    now_s = [time.monotonic() + 100.0]
    monkeypatch.setattr(replica._rates, "_clock", lambda: now_s[0])
    replica.record_autoscaling_stats()
    predict = OnnxForecaster.predict

    def slow(self: OnnxForecaster, telemetry: Any) -> Any:
        time.sleep(0.02)
        return predict(self, telemetry)

    monkeypatch.setattr(OnnxForecaster, "predict", slow)
    window = np.full((2, 60, 5), 50.0, dtype=np.float32)
    await asyncio.gather(*(replica.predict(window) for _ in range(3)))
    now_s[0] += 2.0
    stats = replica.record_autoscaling_stats()
    assert stats[ARRIVALS] == 3.0
    assert 0.02 / 2.0 <= stats[BUSY] < 1.0  # they share a run
    now_s[0] += 2.0
    assert replica.record_autoscaling_stats() == {ARRIVALS: 0.0, BUSY: 0.0}


async def test_a_replica_without_a_model_does_not_start(node: Node):
    node.config = {"model": str(node.folder / "nowhere")}
    with pytest.raises(BadArtifact, match="nowhere"):
        await node.start()


async def test_a_replica_without_any_of_its_providers_does_not_start(node: Node):
    node.config |= {"providers": ["TensorRT", "CUDA"]}  # type: ignore[dict-item]
    with pytest.raises(InvalidInput, match="TensorRT, CUDA; ONNX Runtime has CPU here"):
        await node.start()
    node.config |= {"providers": ["CUDA", "CPU"]}  # type: ignore[dict-item]
    replica = await node.start()
    replica.check_health()


async def test_a_replica_that_no_longer_follows_the_champion_fails_its_health_check(
    node: Node, monkeypatch: pytest.MonkeyPatch
):
    replica = await node.start()
    replica.check_health()
    monkeypatch.setattr(type(replica._host), "running", False)
    with pytest.raises(RuntimeError, match="no longer follows"):
        replica.check_health()
