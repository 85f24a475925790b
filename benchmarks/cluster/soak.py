"""A cluster at half of its load for long: does anything grow?"""

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from scipy.stats import linregress, t

from benchmarks.cluster.load import Load
from tests.cluster.bed.cluster import Cluster

__all__ = ["Slope", "problems", "run", "slope", "table"]

_WARM_UP_S = 300.0
_EVERY_S = 15.0
_MOST_AN_HOUR = {"memory": 10.0, "disk": 10.0, "files": 1.0, "connections": 1.0}
_UNITS = {"memory": "MB", "disk": "MB"}


@dataclass(frozen=True)
class Slope:
    """How fast something grows: per hour, and the half of the 95 % interval around that."""

    process: str
    kind: str
    last: float
    an_hour: float
    half_width: float

    @property
    def grows(self) -> bool:
        """Whether it may grow by as much as is not allowed: whether the interval reaches there."""
        return self.an_hour + self.half_width >= _MOST_AN_HOUR[self.kind]


def run(
    cluster: Cluster, minutes: float, rate_per_s: float, report: Callable[[str], None]
) -> list[Slope]:
    """Return the slopes of every process of the nodes, after the first five minutes."""
    series: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with Load(cluster.urls, cluster.grpc_addresses, rate_per_s) as load:
        load.wait(min(_WARM_UP_S, minutes * 60 / 2))
        report("the first look")
        while load.now_s() < minutes * 60:
            for process, kind, value in _look(cluster):
                series[process, kind].append((load.now_s(), value))
            time.sleep(_EVERY_S)
    return [slope(*name, values) for name, values in sorted(series.items()) if len(values) > 3]


def slope(process: str, kind: str, values: Sequence[tuple[float, float]]) -> Slope:
    """Return the slope of ``(second, value)``, by least squares.

    Examples
    --------
    >>> slope("a", "memory", [(0, 1.0), (1800, 2.0), (3600, 3.0), (5400, 4.0)]).an_hour
    2.0
    """
    at_h, of = np.array(values).T
    fit = linregress(at_h / 3600, of)
    half = float(t.ppf(0.975, len(of) - 2)) * fit.stderr
    return Slope(process, kind, float(of[-1]), float(fit.slope), half)


def problems(slopes: Sequence[Slope]) -> list[str]:
    """Return what grows."""
    return [
        f"{each.kind} of {each.process} grows by {each.an_hour:.1f} ± {each.half_width:.1f} an hour"
        for each in slopes
        if each.grows
    ]


def table(slopes: Sequence[Slope]) -> str:
    """Return the slopes of all that changed, the fastest first."""
    rows = ["| what | of | at last | an hour | ± |", "| --- " * 5 + "|"]
    changed = [each for each in slopes if each.half_width > 0]  # NaN of what is always the same
    for each in sorted(changed, key=lambda each: -each.an_hour):
        rows.append(
            f"| {each.kind} {_UNITS.get(each.kind, '')} | {each.process} | {each.last:.0f} "
            f"| {each.an_hour:+.1f} | {each.half_width:.1f} |"
        )
    return "\n".join(rows)


def _look(cluster: Cluster) -> list[tuple[str, str, float]]:
    rows = []
    for node in cluster.nodes:
        for pid, line in node.processes().items():
            name = f"node {node.number}: {_name(line)} {pid}"
            try:
                process = psutil.Process(pid)
                rows += [
                    (name, "memory", process.memory_full_info().uss / 1e6),
                    (name, "files", float(process.num_fds())),
                    (name, "connections", float(_count_sockets(pid))),
                ]
            except (psutil.NoSuchProcess, FileNotFoundError):
                continue
        used = psutil.disk_usage(f"/proc/{node.init}/root/tmp").used / 1e6
        rows.append((f"node {node.number}: logs and sessions", "disk", used))
    return rows


def _count_sockets(pid: int) -> int:
    """Return how many of a process's files are sockets; psutil knows those of its own network."""
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has been closed
            count += link.readlink().name.startswith("socket:")
    return count


def _name(line: str) -> str:
    """Return a short name of a command line: what Ray calls itself, or the program."""
    words = line.split()
    program = words[0].rsplit("/", 1)[-1] if words else "?"
    scripts = [word.rsplit("/", 1)[-1] for word in words[1:] if word.endswith(".py")]
    return program if not program.startswith("python") or not scripts else scripts[0]
