"""Calls that arrive while a model runs share the next run, and each gets its own rows."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pba.errors import Busy
from pba.forecasting import ModelOutput
from pba.models.base import Prediction
from pba.models.distribution import Bins, decode
from pba.serving.model_runner import ModelRunner
from pba.types import Floats
from tests.support.waiting import until

WINDOW = 4


@dataclass
class CountingModel:
    """Predicts each window's first value as its level, and notes its runs."""

    version: str = "a"
    bins: Bins = field(default_factory=lambda: Bins.spaced(4, 1.0, 0.5))
    sizes: list[int] = field(default_factory=list)
    threads: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def predict(self, telemetry: Floats) -> Prediction:
        self.sizes.append(len(telemetry))
        self.threads.append(threading.current_thread().name)
        if threading.current_thread() is not threading.main_thread():
            assert self.gate.wait(20)
        level = telemetry[:, 0, 0]
        if np.isnan(level).any():
            raise ValueError("no level")
        return Prediction(np.full((len(level), 3, 4), 0.25), level, np.full((len(level), 3), 1.0))


@dataclass
class Holder:
    """Holds a model that a test may replace."""

    forecaster: Any


def windows(*levels: float) -> Floats:
    return np.array(levels, dtype=np.float32)[:, None, None] * np.ones((1, WINDOW, 5), np.float32)


def levels(output: ModelOutput) -> list[float]:
    return [float(level) for level in output.prediction.level_mbps]


def runner_of(model: CountingModel, max_windows: int = 32) -> ModelRunner:
    return ModelRunner(Holder(model), max_windows)


async def test_calls_of_one_moment_share_a_run_and_get_their_own_rows():
    model = CountingModel()
    runner = runner_of(model)
    calls = [windows(1), windows(2, 3), windows(4, 5, 6)]
    outputs = await asyncio.gather(*map(runner.predict, calls))
    assert model.sizes == [6]
    assert [levels(output) for output in outputs] == [[1], [2, 3], [4, 5, 6]]
    assert {len(output.prediction.path) for output in outputs} == {1, 2, 3}


async def test_each_run_is_counted_with_its_windows():
    runs: list[tuple[int, float]] = []
    runner = ModelRunner(Holder(CountingModel()), 32, lambda *run: runs.append(run))
    await asyncio.gather(runner.predict(windows(1)), runner.predict(windows(2, 3)))
    await runner.predict(windows(4))
    assert [count for count, _ in runs] == [3, 1]
    assert all(0 < seconds < 60 for _, seconds in runs)


async def test_calls_that_share_a_run_share_its_decoding_and_a_lone_call_leaves_it_to_its_caller():
    runner = runner_of(CountingModel())
    lone = await runner.predict(windows(1.0))
    assert lone.decoded is None
    shared = await asyncio.gather(runner.predict(windows(1.0)), runner.predict(windows(2.0, 3.0)))
    for output in shared:
        assert output.decoded is not None
        values = output.prediction
        expected = decode(values.probabilities, values.level_mbps, output.bins)
        for part, same in zip(output.decoded, expected, strict=True):
            np.testing.assert_allclose(part, same)


async def test_a_lone_window_runs_on_the_loop_and_larger_calls_in_a_thread():
    model = CountingModel()
    runner = runner_of(model)
    for _ in range(3):
        await runner.predict(windows(1))
    assert set(model.threads) == {threading.current_thread().name}
    await runner.predict(windows(*range(1, 9)))
    assert model.threads[-1] != threading.current_thread().name


async def test_calls_that_arrive_during_a_run_share_the_next_and_no_run_is_too_large():
    model = CountingModel()
    model.gate.clear()
    runner = runner_of(model, max_windows=4)
    first = asyncio.create_task(runner.predict(windows(*range(1, 5))))
    await until(lambda: model.sizes == [4])
    later = [asyncio.create_task(runner.predict(windows(level))) for level in range(5, 11)]
    await until(lambda: runner.waiting_windows == 6)
    model.gate.set()
    await first
    outputs = await asyncio.gather(*later)
    assert model.sizes == [4, 4, 2]
    assert [levels(output) for output in outputs] == [[level] for level in range(5, 11)]
    assert runner.waiting_windows == 0


async def test_a_call_larger_than_a_run_is_answered_whole():
    model = CountingModel()
    output = await runner_of(model, max_windows=2).predict(windows(1, 2, 3, 4, 5))
    assert (model.sizes, levels(output)) == ([5], [1, 2, 3, 4, 5])


async def test_one_version_answers_a_whole_run():
    models = [CountingModel("a"), CountingModel("b")]
    holder = Holder(models[0])
    models[0].gate.clear()
    runner = ModelRunner(holder, 32)
    first = asyncio.create_task(runner.predict(windows(1, 2, 3)))
    await until(lambda: models[0].sizes == [3])
    second = asyncio.create_task(runner.predict(windows(4)))
    holder.forecaster = models[1]
    models[0].gate.set()
    assert [(await call).version for call in (first, second)] == ["a", "b"]


async def test_a_call_that_has_waited_too_long_is_refused_when_its_turn_comes():
    model = CountingModel()
    model.gate.clear()
    runner = runner_of(model)
    first = asyncio.create_task(runner.predict(windows(1, 2, 3)))
    await until(lambda: model.sizes == [3])
    late = asyncio.create_task(runner.predict(windows(4), patience_s=0.0))
    patient = asyncio.create_task(runner.predict(windows(5), patience_s=60.0))
    await until(lambda: runner.waiting_windows == 2)
    model.gate.set()
    with pytest.raises(Busy):
        await late
    assert levels(await patient) == [5]
    assert len((await first).prediction.level_mbps) == 3


async def test_a_caller_that_gives_up_costs_the_others_nothing():
    model = CountingModel()
    model.gate.clear()
    runner = runner_of(model)
    first = asyncio.create_task(runner.predict(windows(1, 2, 3)))
    await until(lambda: model.sizes == [3])
    given_up = asyncio.create_task(runner.predict(windows(4)))
    kept = asyncio.create_task(runner.predict(windows(5)))
    await until(lambda: runner.waiting_windows == 2)
    given_up.cancel()
    first.cancel()
    model.gate.set()
    assert levels(await kept) == [5]
    assert model.sizes == [3, 1]


async def test_an_error_of_a_run_reaches_its_callers_and_the_next_run_works():
    runner = runner_of(CountingModel())
    broken = await asyncio.gather(
        runner.predict(windows(np.nan)), runner.predict(windows(1)), return_exceptions=True
    )
    assert [str(error) for error in broken] == ["no level"] * 2
    assert levels(await runner.predict(windows(2))) == [2]
