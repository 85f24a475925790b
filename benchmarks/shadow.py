"""Is the report of a rollout what its rows say? `python -m benchmarks.shadow DIR [SAMPLES]`

Test traces live through a running service in shadow: v1 answers, v3 is recorded. Then the report is
held against a recomputation from the rows that `GET /v1/links/{link_id}/history` gives.
"""

import asyncio
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import servers
from pba.client import AsyncPBAClient
from pba.telemetry.traces import Trace, read_sets
from pba.types import History

FIRST, LINKS_PER_SET, START_S = 60, 2, 1.7e9


async def main(folder: str, samples: int = 300) -> None:
    with servers.service(False) as (url, _):
        async with AsyncPBAClient(url, timeout_s=60) as client:
            held = await client.flags()
            await client.set_flags(
                {"v3_rollout_percentage": 0, "shadow": True}, held["version"], "benchmark"
            )
            await _v1_answers(client)
            links = _links(Path(folder), samples)
            told = await asyncio.gather(*(_live(client, *one) for one in links.items()))
            served = {name for names in told for name in names}
            report = await _settled(client, sum(map(len, told)))
            rows = [await _rows(client, link) for link in links]
    print(f"{len(links)} links, served by {', '.join(sorted(served))}; report / recomputed:")
    print("| mode | pairs | v3 only | v1 only | v1 accuracy | v3 accuracy | v1 MAE | v3 MAE |"
          " v1 bias | v3 bias | v3 is |")  # fmt: skip
    print(f"|{' --- |' * 11}")
    for mode, own in _recomputed(rows).items():
        part = report["modes"][mode]
        print(f"| {mode} | {_row(part, own)} | {part['verdict']} |")


async def _v1_answers(client: AsyncPBAClient) -> None:
    """Wait until v1, which wakes up when it may be asked, has done so."""
    rates = np.full((12, 5), np.nan)
    rates[:, 0] = 50.0
    await client.observe("first", History(START_S + np.arange(12.0), rates))
    while True:
        if (await client.link_forecast("first")).source == "model":
            return


def _links(folder: Path, samples: int) -> dict[str, Trace]:
    found = {}
    for mode in ("datacenter", "internet"):
        for name, traces in read_sets(folder, mode).items():
            long = [one for one in traces if one.split == "test" and len(one) >= FIRST + 40]
            for number, trace in enumerate(long[:LINKS_PER_SET]):
                found[f"{name}-{number}"] = trace
    return {name: _first(trace, FIRST + samples) for name, trace in found.items()}


def _first(trace: Trace, count: int) -> Trace:
    times = trace.timestamps_s[:count] - trace.timestamps_s[0] + START_S
    return Trace(trace.trace_id, trace.split, times, trace.telemetry[:count])


async def _live(client: AsyncPBAClient, link: str, trace: Trace) -> list[str]:
    """Have a link report and be forecast, sample by sample; return who spoke."""
    spoke = []
    await client.observe(link, History(trace.timestamps_s[:FIRST], trace.telemetry[:FIRST]))
    for at in range(FIRST, len(trace)):
        spoke.append((await client.link_forecast(link)).members[0].name)
        one = slice(at, at + 1)
        await client.observe(link, History(trace.timestamps_s[one], trace.telemetry[one]))
    return spoke


async def _settled(client: AsyncPBAClient, most: int) -> dict[str, Any]:
    """Return the report once no more pairs come."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 10:
        report = await client.rollout()
        if report["overall"]["pairs"] != last:
            last, since = report["overall"]["pairs"], time.monotonic()
        await asyncio.sleep(1)
    print(f"{most} moments were forecast, {last} of them compared")
    return report


async def _rows(client: AsyncPBAClient, link: str) -> list[dict[str, Any]]:
    answer = await client._http.get(f"/v1/links/{link}/history?limit=10000")
    rows: list[dict[str, Any]] = answer.json()["forecasts"]
    return rows


def _recomputed(rows: list[list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return the figures by mode, from rows alone."""
    pairs: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for link in rows:
        said: dict[str, dict[str, Any]] = defaultdict(dict)
        for one in link:
            if "1" in one["actual_mbps"]:
                said[one["after"]][one["arm"]] = one
        for both in said.values():
            if len(both) == 2:
                points = [both[arm]["said"]["points_mbps"][0] for arm in ("v1", "v3")]
                pairs[both["v3"]["mode"]].append((*points, both["v3"]["actual_mbps"]["1"]))
    return {mode: _figures(np.array(found)) for mode, found in sorted(pairs.items())}


def _figures(pairs: np.ndarray) -> dict[str, float]:
    points, actual = pairs[:, :2], pairs[:, 2:]
    error = points - actual
    hit = np.where(actual < 0.01, points < 0.05, np.abs(error) <= 0.2 * actual)
    return {
        "pairs": len(pairs),
        "v3_only": int((hit[:, 1] & ~hit[:, 0]).sum()),
        "v1_only": int((hit[:, 0] & ~hit[:, 1]).sum()),
        **{
            f"{arm} {name}": float(values[:, at].mean())
            for name, values in (
                ("accuracy_20", hit),
                ("mae_mbps", np.abs(error)),
                ("bias_mbps", error),
            )
            for at, arm in enumerate(("v1", "v3"))
        },
    }


def _row(report: dict[str, Any], own: dict[str, float]) -> str:
    cells = []
    for name, value in own.items():
        arm, _, figure = name.rpartition(" ")
        told = report[arm][figure] if arm else report[figure]
        cells.append(f"{told:.6g} / {value:.6g}" if arm else f"{told} / {value}")
    return " | ".join(cells)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
