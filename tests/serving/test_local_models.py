"""Small calls are answered here, larger ones and those that wait too long by the deployment."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from pba.forecasting import ModelOutput
from pba.models.base import Prediction
from pba.models.onnx import OnnxForecaster
from pba.registry import Registry
from pba.serving.local_models import LocalModels
from pba.types import Floats
from tests.registry.builders import MODE, NAME, NOW_S, publish_toys
from tests.serving.toy_models import ToyModel
from tests.support.waiting import until
from tests.toy import toy_artifact

WINDOWS = np.random.default_rng(0).uniform(1, 100, (4, 60, 5)).astype(np.float32)


class Node:
    """Local models over a shipped folder and a registry, and the deployment behind them."""

    def __init__(self, folder: Path) -> None:
        self.shipped = {NAME: str(toy_artifact(folder / "shipped", MODE))}
        self.registry = Registry(str(folder / "registry"), lambda: NOW_S)
        publish_toys(folder / "trained", self.registry, "a")
        self.remote = ToyModel(NAME)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.local = LocalModels(
            {NAME: self.remote}, self.registry, 0.01, lambda *event: self.events.append(event)
        )

    async def configure(
        self, max_windows: int, patience_s: float = 60.0, shares_large: bool = False
    ) -> None:
        await self.local.configure(self.shipped, max_windows, patience_s, shares_large)

    async def predict(self, telemetry: Floats) -> ModelOutput:
        return await self.local.clients[NAME](telemetry)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    opened = Node(tmp_path)
    yield opened
    opened.local.stop()


async def test_small_calls_are_answered_here_and_larger_ones_passed_on(node: Node):
    await node.configure(2)
    small, large = await node.predict(WINDOWS[:2]), await node.predict(WINDOWS[:3])
    assert node.remote.sizes == [3]
    np.testing.assert_array_equal(small.prediction.level_mbps, large.prediction.level_mbps[:2])
    np.testing.assert_allclose(
        small.prediction.probabilities, large.prediction.probabilities[:2], rtol=1e-5
    )
    assert small.version == large.version == "toy-1"


async def test_every_call_is_passed_on_where_nothing_is_local(node: Node):
    await node.predict(WINDOWS[:1])  # not configured yet
    await node.configure(0)
    await node.predict(WINDOWS[:1])
    assert node.remote.sizes == [1, 1]
    await node.configure(4)
    await node.predict(WINDOWS[:1])
    assert node.remote.sizes == [1, 1]
    await node.configure(0)
    await node.predict(WINDOWS[:1])
    assert node.remote.sizes == [1, 1, 1]


async def test_a_call_that_waits_too_long_is_passed_on(node: Node):
    await node.configure(4, patience_s=-1.0)
    await node.predict(WINDOWS[:1])
    assert node.remote.sizes == [1]


async def test_a_new_champion_is_followed(node: Node):
    await node.configure(4)
    node.registry.promote(NAME, "a", "anna")
    await until(lambda: len(node.events) == 2)
    assert [body["version"] for _, body in node.events] == ["toy-1", "a"]
    assert (await node.predict(WINDOWS[:1])).version == "a"
    assert node.local.running


async def test_a_model_that_cannot_be_loaded_is_left_to_its_deployment(
    node: Node, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    node.shipped = {NAME: str(tmp_path / "nowhere")}
    await node.configure(4)
    await node.predict(WINDOWS[:1])
    assert node.remote.sizes == [1]
    assert [record.message for record in caplog.records].count("model_not_local") == 1
    assert node.local.running


async def test_a_large_call_is_computed_here_while_the_deployment_computes_another(node: Node):
    await node.configure(4, shares_large=True)
    node.remote.may_answer.clear()
    windows = np.concatenate([WINDOWS] * 20)
    remote = asyncio.create_task(node.predict(windows))
    await until(lambda: node.remote.sizes == [80])
    here = await node.predict(windows[:70])
    assert node.remote.sizes == [80]
    whole = node.local._runners[NAME]._holder.forecaster.predict(windows[:70])
    np.testing.assert_array_equal(here.prediction.probabilities, whole.probabilities)
    remote.cancel()


class SlowForecaster:
    """A forecaster whose large runs wait until they may end."""

    def __init__(self, forecaster: OnnxForecaster) -> None:
        self.version, self.bins = forecaster.version, forecaster.bins
        self.runs, self.may_end = threading.Event(), threading.Event()
        self._predict = forecaster.predict

    def predict(self, telemetry: Floats) -> Prediction:
        if len(telemetry) > len(WINDOWS):
            self.runs.set()
            assert self.may_end.wait(120)  # longer than others may take
        return self._predict(telemetry)


async def test_a_small_call_does_not_wait_for_a_large_one(node: Node):
    await node.configure(4, shares_large=True)
    host = node.local._hosts[NAME]
    slow = SlowForecaster(host.forecaster)
    host.forecaster = cast(OnnxForecaster, slow)
    node.remote.may_answer.clear()
    windows = np.concatenate([WINDOWS] * 20)
    remote = asyncio.create_task(node.predict(windows))
    await until(lambda: node.remote.sizes == [80])
    here = asyncio.create_task(node.predict(windows))
    await until(slow.runs.is_set)
    try:
        for _ in range(3):  # alone on the loop, then as under load
            await asyncio.wait_for(
                asyncio.gather(*(node.predict(WINDOWS[:1]) for _ in range(2))), 60
            )
        assert not here.done()
        assert node.remote.sizes == [80]
    finally:
        slow.may_end.set()
    await here
    remote.cancel()


async def test_of_several_large_calls_some_are_computed_here(node: Node):
    await node.configure(4, shares_large=True)
    windows = np.concatenate([WINDOWS] * 20)
    node.remote.may_answer.clear()
    calls = [asyncio.create_task(node.predict(windows)) for _ in range(5)]
    await until(lambda: calls[1].done() and calls[4].done())
    assert node.remote.sizes == [80] * 3
    node.remote.may_answer.set()
    outputs = await asyncio.gather(*calls)
    assert {len(output.prediction.level_mbps) for output in outputs} == {80}


async def test_large_calls_are_passed_on_where_they_are_not_shared(node: Node):
    await node.configure(4)
    windows = np.concatenate([WINDOWS] * 20)
    await asyncio.gather(*(node.predict(windows) for _ in range(5)))
    assert node.remote.sizes == [80] * 5
