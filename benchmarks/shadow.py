"""Check of the rollout report against its rows: `python -m benchmarks.shadow DIR [SAMPLES]`.

Test traces are replayed against a service in shadow: v1 serves, v3 is recorded. Then the report is
compared with a recomputation from the rows of `GET /v1/links/{link_id}/history`.
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
    with servers.service() as (url, _):
        async with AsyncPBAClient(url, timeout_s=60) as client:
            flags = await client.flags()
            await client.set_flags(
                {"v3_rollout_percentage": 0, "shadow": True}, flags["version"], "benchmark"
            )
            await _wait_for_v1(client)
            links = _links(Path(folder), samples)
            members = await asyncio.gather(*(_replay(client, *one) for one in links.items()))
            served = {name for names in members for name in names}
            report = await _wait_for_pairs(client, sum(map(len, members)))
            rows = [await _rows(client, link) for link in links]
    print(f"{len(links)} links, served by {', '.join(sorted(served))}; report / recomputed:")
    print("| mode | pairs | v3 only | v1 only | v1 accuracy | v3 accuracy | v1 MAE | v3 MAE |"
          " v1 bias | v3 bias | v3 is |")  # fmt: skip
    print(f"|{' --- |' * 11}")
    for mode, figures in _recompute(rows).items():
        part = report["modes"][mode]
        print(f"| {mode} | {_row(part, figures)} | {part['verdict']} |")


async def _wait_for_v1(client: AsyncPBAClient) -> None:
    """Wait until v1, which starts on its first request, serves."""
    rates = np.full((12, 5), np.nan)
    rates[:, 0] = 50.0
    await client.observe("first", History(START_S + np.arange(12.0), rates))
    while True:
        if (await client.link_forecast("first")).source == "model":
            return


def _links(folder: Path, samples: int) -> dict[str, Trace]:
    links = {}
    for mode in ("datacenter", "internet"):
        for name, traces in read_sets(folder, mode).items():
            long = [one for one in traces if one.split == "test" and len(one) >= FIRST + 40]
            for number, trace in enumerate(long[:LINKS_PER_SET]):
                links[f"{name}-{number}"] = trace
    return {name: _first(trace, FIRST + samples) for name, trace in links.items()}


def _first(trace: Trace, count: int) -> Trace:
    times = trace.timestamps_s[:count] - trace.timestamps_s[0] + START_S
    return Trace(trace.trace_id, trace.split, times, trace.telemetry[:count])


async def _replay(client: AsyncPBAClient, link: str, trace: Trace) -> list[str]:
    """Report and forecast a link sample by sample; return the first member of each forecast."""
    members = []
    await client.observe(link, History(trace.timestamps_s[:FIRST], trace.telemetry[:FIRST]))
    for index in range(FIRST, len(trace)):
        members.append((await client.link_forecast(link)).members[0].name)
        sample = slice(index, index + 1)
        await client.observe(link, History(trace.timestamps_s[sample], trace.telemetry[sample]))
    return members


async def _wait_for_pairs(client: AsyncPBAClient, count: int) -> dict[str, Any]:
    """Return the report once its number of pairs no longer changes."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 10:
        report = await client.rollout()
        if report["overall"]["pairs"] != last:
            last, since = report["overall"]["pairs"], time.monotonic()
        await asyncio.sleep(1)
    print(f"{count} points were forecast, {last} of them compared")
    return report


async def _rows(client: AsyncPBAClient, link: str) -> list[dict[str, Any]]:
    response = await client._http.get(f"/v1/links/{link}/history?limit=10000")
    rows: list[dict[str, Any]] = response.json()["forecasts"]
    return rows


def _recompute(rows: list[list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return the figures by mode, computed from the rows."""
    pairs: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for link in rows:
        forecasts: dict[str, dict[str, Any]] = defaultdict(dict)
        for row in link:
            if "1" in row["actual_mbps"] and row["source"] != "heuristic":
                forecasts[row["after"]][row["arm"]] = row
        for both in forecasts.values():
            if len(both) == 2:
                points = [both[arm]["said"]["points_mbps"][0] for arm in ("v1", "v3")]
                pairs[both["v3"]["mode"]].append((*points, both["v3"]["actual_mbps"]["1"]))
    return {mode: _figures(np.array(rates)) for mode, rates in sorted(pairs.items())}


def _figures(pairs: np.ndarray) -> dict[str, float]:
    points, actual = pairs[:, :2], pairs[:, 2:]
    error = points - actual
    hit = np.where(actual < 0.01, points < 0.05, np.abs(error) <= 0.2 * actual)
    return {
        "pairs": len(pairs),
        "v3_only": int((hit[:, 1] & ~hit[:, 0]).sum()),
        "v1_only": int((hit[:, 0] & ~hit[:, 1]).sum()),
        **{
            f"{arm} {name}": float(values[:, column].mean())
            for name, values in (
                ("accuracy_20", hit),
                ("mae_mbps", np.abs(error)),
                ("bias_mbps", error),
            )
            for column, arm in enumerate(("v1", "v3"))
        },
    }


def _row(report: dict[str, Any], figures: dict[str, float]) -> str:
    cells = []
    for name, value in figures.items():
        arm, _, figure = name.rpartition(" ")
        reported = report[arm][figure] if arm else report[figure]
        cells.append(f"{reported:.6g} / {value:.6g}" if arm else f"{reported} / {value}")
    return " | ".join(cells)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
