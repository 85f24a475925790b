"""How many links does the closed loop keep up with, beside ONNX Runtime's own speed?

`python -m benchmarks.loop [sqlite | postgresql] [--one-call]`: the largest number of links that all
report a sample and ask for a forecast by name once a second, for a minute, with p95 of each call
under 500 ms, no step begun late, and nothing left to score after 2 s. The load runs on the same
cores. Then twice and five times as many, and at last five times as many while an operator leaves
all links to v1: how long until no forecast is v3's.
"""

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import request_bodies, servers
from benchmarks.bare import MODELS
from benchmarks.cpu import cpu_s
from pba.registry import artifacts
from pba.types import Floats, NetworkMode
from tests.support.postgres import postgresql

BATCH, ROUNDS, ROUND_S = 32, 5, 2.0
LIMIT_MS = 500.0
SEARCH_STEPS, STEPS, OVERLOAD_STEPS = 15, 60, 20
FIRST, FINEST, STEP_UP, STEP_DOWN, TRIES = 128, 1.06, 1.04, 0.95, 2
MODE = NetworkMode.INTERNET


@dataclass(frozen=True)
class Trial:
    """A run with a number of links; CPU seconds are those of the service."""

    figures: dict[str, Any]
    cpu_s: dict[str, float]

    @property
    def kept_up(self) -> bool:
        """Whether the service kept up."""
        figures = self.figures
        calls = [calls for calls in (figures["samples_ms"], figures["forecasts_ms"]) if calls]
        return (
            set(figures["statuses"]) == {"200"}
            and not figures["late"]
            and not any(figures["due_after_s"].values())
            and max(float(np.percentile(call, 95)) for call in calls) < LIMIT_MS
        )

    @property
    def goodput(self) -> float:
        """Forecasts answered a second."""
        return float(self.figures["answered"]) / float(self.figures["seconds"])

    def line(self) -> str:
        """Return the figures in one line."""
        figures = self.figures
        latency = "; ".join(
            f"{name} p50 {np.median(calls):.0f} p95 {np.percentile(calls, 95):.0f} ms"
            for name, calls in (
                ("samples", figures["samples_ms"]),
                ("forecasts", figures["forecasts_ms"]),
            )
            if calls
        )
        loops = figures["links"] * figures["steps"]
        used = ", ".join(
            f"{kind} {seconds * 1000 / loops:.2f}" for kind, seconds in self.cpu_s.items()
        )
        return (
            f"{figures['links']} links: {latency}; late {figures['late']}, statuses "
            f"{figures['statuses']}, last step {figures['sources']}, due after "
            f"{figures['due_after_s']}; {self.goodput:.0f} forecasts/s; CPU ms a loop: {used}; "
            f"{'kept up' if self.kept_up else 'did not'}"
        )


def main(database: str, one_call: bool) -> None:
    model = MODELS / MODE / f"{MODE}_bandwidth_predictor.onnx"
    sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
    before = onnx_rate()
    with _service(database) as (url, folder):
        most = largest(url, folder, one_call)
        for factor in (2, 5):
            overload = trial(url, folder, factor * most, OVERLOAD_STEPS, one_call)
            print(f"{factor} x: {overload.line()}; goodput {overload.goodput / most:.2f} of N")
            time.sleep(10)
            print(f"10 s later: {trial(url, folder, most, SEARCH_STEPS, one_call).line()}")
        switched = trial(url, folder, 5 * most, OVERLOAD_STEPS, one_call, "--kill-switch")
        took_s, after_s = switched.figures["switched_after_s"]
        print(
            f"5 x: {switched.line()}; the kill switch takes {took_s:.2f} s, and the last forecast "
            f"of v3 is asked for after {after_s:.2f} s"
        )
        wal = sum(path.stat().st_size for path in Path(folder).glob("*.db-wal"))
        print(f"WAL afterwards {wal / 1e6:.1f} MB")
    onnx = median([before, onnx_rate()])
    print(f"N = {most} links on {database}; ONNX Runtime alone {onnx:.0f}/s (sha256 {sha256[:12]})")
    print(f"ratio {most / onnx:.2f}{' with one call a step' if one_call else ''}")


def largest(url: str, folder: str, one_call: bool) -> int:
    """Return the most links with which the service keeps up for a minute.

    The search tries each number twice, since one slow step of few is its 95th percentile. It still
    ends too low where the first steps are slow, so that runs of a minute go up from there, or down.
    """
    low, high = FIRST, 0
    while not high or high / low > FINEST:
        links = 2 * low if not high else int((low * high) ** 0.5)
        kept_up = any(_tried(url, folder, links, SEARCH_STEPS, one_call) for _ in range(TRIES))
        low, high = (links, high) if kept_up else (low, links)
    best = 0
    while any(_tried(url, folder, low, STEPS, one_call) for _ in range(TRIES)):
        best, low = low, int(STEP_UP * low)
    while not best and low > FIRST:
        low = int(STEP_DOWN * low)
        best = low if _tried(url, folder, low, STEPS, one_call) else 0
    return best or low


def _tried(url: str, folder: str, links: int, steps: int, one_call: bool) -> bool:
    """Print the figures of a run; return whether the service kept up."""
    tried = trial(url, folder, links, steps, one_call)
    print(tried.line(), flush=True)
    return tried.kept_up


def trial(url: str, folder: str, links: int, steps: int, one_call: bool, *options: str) -> Trial:
    """Return the figures of a run; ``options`` are further ones of the client."""
    command = [sys.executable, "-m", "benchmarks.loop_client", url, str(links), str(steps)]
    before = cpu_s(folder)
    process = subprocess.run(
        [*command, *(["--one-call"] if one_call else []), *options],
        cwd=servers.PROJECT,
        stdout=subprocess.PIPE,
        check=True,
    )
    used: dict[str, float] = {}
    for name, (kind, seconds) in cpu_s(folder).items():
        used[kind] = used.get(kind, 0.0) + seconds - before.get(name, (kind, 0.0))[1]
    return Trial(json.loads(process.stdout), used)


def onnx_rate() -> float:
    """Return the forecasts a second of ONNX Runtime alone: one thread, batches of 32."""
    model, _ = artifacts.load(str(MODELS / MODE), MODE)
    windows: Floats = np.stack(
        [history.telemetry for history in request_bodies.histories(MODE, BATCH)]
    )
    rates = []
    for _ in range(ROUNDS):
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < ROUND_S:
            model.predict(windows)
            count += BATCH
        rates.append(count / (time.perf_counter() - started))
    return median(rates)


@contextlib.contextmanager
def _service(database: str) -> Iterator[tuple[str, str]]:
    """Yield URL and folder of a service on a new database."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(postgresql()).url if database == "postgresql" else None
        address, environment = stack.enter_context(servers.service(url))
        yield address, environment["RAY_TMPDIR"]


if __name__ == "__main__":
    chosen = [name for name in sys.argv[1:] if not name.startswith("--")] or ["sqlite"]
    main(chosen[0], "--one-call" in sys.argv)
