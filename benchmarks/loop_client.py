"""The load of `benchmarks.loop`: links that all report and ask once a step, in bulk calls of 500.

`python -m benchmarks.loop_client URL LINKS STEPS [--one-call] [--kill-switch]` prints a JSON
object: latencies of the calls, steps that began late, statuses, where the forecasts of the last
step come from, and how far scoring was behind afterwards; with `--kill-switch`, how long the flag
that leaves all links to v1 took to hold meanwhile.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

import httpx
import msgspec
import numpy as np

CALL, STEP_S, HISTORY, RTT_MS = 500, 1.0, 61, 80.0
SAMPLES_A_CALL = 5000
SETTLE_S = 2.0
SWITCH_AFTER_S, SWITCH_EVERY_S = 5.0, 0.05
_encode = msgspec.json.Encoder().encode


@dataclass
class Figures:
    """What one run showed."""

    links: int
    steps: int
    samples_ms: list[float] = field(default_factory=list)
    forecasts_ms: list[float] = field(default_factory=list)
    late: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    answered: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    due_after_s: dict[float, int] = field(default_factory=dict)
    switched_after_s: tuple[float, float] | None = None


class Rates:
    """The bandwidth of each link: an AR(1) process in the logarithm, around a level of its own."""

    def __init__(self, links: int) -> None:
        self._generator = np.random.default_rng(1)
        self._level_mbps = self._generator.lognormal(3, 1, links)
        self._deviation = np.zeros(links)

    def draw(self) -> list[float]:
        """Return the next bandwidth of each link, Mbps."""
        noise = self._generator.normal(0, 0.15, len(self._deviation))
        self._deviation = 0.9 * self._deviation + noise
        rates: list[float] = (self._level_mbps * np.exp(self._deviation)).tolist()
        return rates


class Controllers:
    """Reports and asks for ``links`` links of the service at ``client``'s URL."""

    def __init__(self, client: httpx.AsyncClient, links: int, one_call: bool) -> None:
        self._client = client
        run = time.time_ns()
        self._names = [f"loop:{run}:{number}" for number in range(links)]
        self._rates = Rates(links)
        self._one_call = one_call

    async def report_past(self) -> None:
        """Report a history of each link up to now, without a gap, until all of it is scored."""
        at_s = time.time() - (HISTORY + 1) * STEP_S  # noqa: TID251
        while True:
            while (at_s := at_s + STEP_S) < time.time():  # noqa: TID251
                responses = await self._post("/v1/samples", self._reports(at_s, SAMPLES_A_CALL))
                for response in responses:
                    response.raise_for_status()
            if not (await _scoring(self._client))["due"]:
                return
            at_s -= STEP_S
            await asyncio.sleep(0.2)

    async def report(self, at_s: float) -> None:
        """Report a sample of each link that is measured at ``at_s``."""
        for response in await self._post("/v1/samples", self._reports(at_s, CALL)):
            response.raise_for_status()

    async def step(self, figures: Figures) -> list[httpx.Response]:
        """Report a sample of each link and ask for its forecast; return the answers with these."""
        started = time.perf_counter()
        path = "/v1/samples?forecast=true" if self._one_call else "/v1/samples"
        reported = await self._post(path, self._reports(time.time(), CALL))  # noqa: TID251
        figures.samples_ms.append((time.perf_counter() - started) * 1000)
        answers = reported
        if not self._one_call:
            started = time.perf_counter()
            bodies = [_encode({"link_ids": names}) for names in _chunks(self._names, CALL)]
            answers = await self._post("/v1/links/forecasts", bodies)
            figures.forecasts_ms.append((time.perf_counter() - started) * 1000)
            figures.statuses.update(response.status_code for response in reported)
        figures.statuses.update(response.status_code for response in answers)
        sizes = [len(names) for names in _chunks(self._names, CALL)]
        for size, response in zip(sizes, answers, strict=True):
            figures.answered += size * (response.status_code == 200)
        return answers

    async def switched_after_s(self) -> tuple[float, float]:
        """Leave all links to v1; return how long that call and the last forecast of v3 took.

        A forecast is asked for by name, on a connection of its own, and counts from when it is
        asked for.
        """
        await asyncio.sleep(SWITCH_AFTER_S)
        path = f"/v1/links/{self._names[0]}/forecast"
        async with httpx.AsyncClient(base_url=self._client.base_url, timeout=120) as operator:
            v3 = (await operator.get("/v1/models")).json()["models"]["internet"]["version"]
            version = (await operator.get("/v1/flags")).json()["version"]
            body = {"flags": {"force_v1_mode": True}, "version": version, "who": "benchmark"}
            started_s = last_s = time.perf_counter()
            change = asyncio.create_task(_timed(operator.put("/v1/flags", json=body)))
            while not change.done() or time.perf_counter() - last_s < SWITCH_AFTER_S:
                sent_s = time.perf_counter()
                response = await operator.get(path)
                if response.is_success and response.json()["model_version"] == v3:
                    last_s = sent_s
                await asyncio.sleep(SWITCH_EVERY_S)
            response, took_s = change.result()
            response.raise_for_status()
        return took_s, last_s - started_s

    def _reports(self, at_s: float, size: int) -> list[bytes]:
        rows = [
            {"link_id": name, "timestamp": at_s, "bandwidth_mbps": rate, "latency_ms": RTT_MS}
            for name, rate in zip(self._names, self._rates.draw(), strict=True)
        ]
        return [_encode({"samples": part}) for part in _chunks(rows, size)]

    async def _post(self, path: str, bodies: Sequence[bytes]) -> list[httpx.Response]:
        return await asyncio.gather(*(self._client.post(path, content=one) for one in bodies))


async def run(
    url: str, links: int, steps: int, one_call: bool, kill_switch: bool = False
) -> Figures:
    """Return the figures of ``steps`` steps, after a history of each link is reported."""
    figures = Figures(links, steps)
    headers = {"content-type": "application/json"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=url, timeout=120, trust_env=False, headers=headers, limits=limits
    ) as client:
        controllers = Controllers(client, links, one_call)
        await controllers.report_past()
        started_s = time.perf_counter()
        switched = asyncio.create_task(controllers.switched_after_s()) if kill_switch else None
        for step in range(steps):
            ahead_s = started_s + step * STEP_S - time.perf_counter()
            if ahead_s > 0:
                await asyncio.sleep(ahead_s)
            else:
                figures.late += ahead_s < -STEP_S
            answers = await controllers.step(figures)
        figures.seconds = time.perf_counter() - started_s
        figures.sources.update(source for answer in answers for source in _sources(answer))
        figures.switched_after_s = None if switched is None else await switched
        await asyncio.sleep(SETTLE_S)
        figures.due_after_s[SETTLE_S] = (await _scoring(client))["due"]
    return figures


async def _timed(call: Awaitable[httpx.Response]) -> tuple[httpx.Response, float]:
    started_s = time.perf_counter()
    return await call, time.perf_counter() - started_s


def _sources(answer: httpx.Response) -> list[str]:
    """Return where each forecast of an answer comes from, as `pba.types.Forecast.source`."""
    if answer.status_code != 200:
        return [str(answer.status_code)]
    document = answer.json()
    items = document.get("forecasts") or document.get("links", {}).values()
    return [item["forecast"]["source"] if "forecast" in item else "error" for item in items]


async def _scoring(client: httpx.AsyncClient) -> dict[str, int]:
    response = await client.get("/v1/metrics")
    scoring: dict[str, int] = response.raise_for_status().json()["scoring"]
    return scoring


def _chunks(values: Sequence[object], size: int) -> list[Sequence[object]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def main() -> None:
    """Print the figures of the run that the command line describes."""
    url, links, steps = sys.argv[1:4]
    options = "--one-call" in sys.argv, "--kill-switch" in sys.argv
    figures = asyncio.run(run(url, int(links), int(steps), *options))
    print(json.dumps(vars(figures)))


if __name__ == "__main__":
    main()
