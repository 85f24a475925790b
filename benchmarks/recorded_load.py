"""What does a replica report while its load grows? `python -m benchmarks.recorded_load`

It writes `tests/fixtures/load/ramp.json`, on which the policies are tested: for every two seconds
of 220, what a model replica tells Serve (windows that arrived in a second, share of the time that
it computed) and how many calls it had in flight. The model takes 50 ms a window, so 20 a second are
all that it can do. Calls come at random times, 4 a second at first, and after 160 s ever
fewer. No Ray takes part, and next to no CPU.
"""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from benchmarks.sleeping_model import SleepingHost
from deployments.replicas.autoscaling import ARRIVALS, BUSY
from deployments.replicas.rates import Rates
from pba.models.onnx import OnnxForecaster
from pba.serving.model_runner import ModelRunner
from pba.types import NetworkMode
from tests.toy import toy_onnx

OUTPUT = Path(__file__).parents[1] / "tests/fixtures/load/ramp.json"
START, DOUBLE_S, UP_S, DOWN_S, EVERY_S = 4.0, 60.0, 160.0, 60.0, 2.0


def rate(at_s: float) -> float:
    """Return the calls a second: doubled every minute, and then halved every ten seconds."""
    top = START * 2 ** (min(at_s, UP_S) / DOUBLE_S)
    return top / 2 ** (max(0.0, at_s - UP_S) / 10.0)


async def arrivals(seconds: float, rng: np.random.Generator) -> AsyncIterator[None]:
    """Yield at random times, `rate` times a second."""
    began_s = due_s = time.monotonic()
    while due_s < began_s + seconds:
        due_s += rng.exponential(1.0 / rate(due_s - began_s))
        await asyncio.sleep(due_s - time.monotonic())
        yield


async def record(loop: asyncio.AbstractEventLoop) -> list[dict[str, float]]:
    """Return what a replica on ``loop`` reports: a run there holds up no caller."""
    host = SimpleNamespace(forecaster=OnnxForecaster(toy_onnx(NetworkMode.INTERNET)))
    runner, rates = ModelRunner(SleepingHost(host), max_windows=1), Rates(time.monotonic)
    window = np.full((1, 60, 5), 50.0, dtype=np.float32)
    calls: set[Future[object]] = set()
    began_s = time.monotonic()

    async def reports() -> list[dict[str, float]]:
        rows = []
        for number in range(1, int((UP_S + DOWN_S) / EVERY_S) + 1):
            await asyncio.sleep(began_s + number * EVERY_S - time.monotonic())
            stats = rates.per_second({ARRIVALS: runner.arrived_windows, BUSY: runner.busy_s})
            waiting = sum(not call.done() for call in calls)
            rows.append({"at_s": number * EVERY_S} | stats | {"in_flight": waiting})
        return rows

    reporter = asyncio.create_task(reports())
    async for _ in arrivals(UP_S + DOWN_S, np.random.default_rng(0)):
        calls.add(asyncio.run_coroutine_threadsafe(runner.predict(window), loop))
    return await reporter


def main() -> None:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    recorded = asyncio.run(record(loop))
    rows = [{name: round(value, 3) for name, value in row.items()} for row in recorded]
    OUTPUT.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(row) for row in rows)
    OUTPUT.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
