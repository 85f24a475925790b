"""A training by `ray job submit` over two nodes, one of which dies: is there a model in the end?"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from pba.registry import artifacts
from tests.cluster.bed.cluster import Cluster
from tests.support.waiting import wait_until

__all__ = ["run"]

_WORKER = "ray::RayTrainWorker"
_STARTED_S, _ENDED_S = 240.0, 1200.0
_DOWN_S = 10.0
_WORKERS = 4
"""Ray puts workers side by side as long as a node has room; so many need both nodes."""


def run(cluster: Cluster, logs: Path, report: Callable[[str], None]) -> str:
    """Train over two nodes, kill one of them after the first epoch; return the result.

    Raises
    ------
    AssertionError
        If the job fails, or leaves no model that can be published.
    """
    output, began_s = cluster.shared / "trained", time.monotonic()
    job = _submit(cluster, output, logs / "job.log")
    states = output / "runs"
    wait_until(lambda: any(states.glob("*/kept/*")), "the state of an epoch", limit_s=_STARTED_S)
    nodes = [node for node in cluster.nodes if _trains(node.processes())]
    assert len(nodes) == 2, f"the workers are on {[node.number for node in nodes]}"
    lost = nodes[-1]
    report(f"node {lost.number}, which trains, loses its power")
    lost.cut_power()
    time.sleep(_DOWN_S)
    cluster.boot(lost)
    code = job.wait(_ENDED_S)
    assert code == 0, (logs / "job.log").read_text()[-4000:]
    artifacts.load(str(output / "v1"), "v1")
    publish = ["pba", "models", "publish", str(output / "v1")]
    published = cluster.nodes[0].run(publish, cluster.ray.environment(), 120).strip()
    return f"The job ended after {time.monotonic() - began_s:.0f} s; {published}"


def _submit(cluster: Cluster, output: Path, log: Path) -> subprocess.Popen[bytes]:
    options = {"mode": "v1", "workers": _WORKERS, "epochs": 30, "samples": 4000, "output": output}
    train = ["python", "-m", "train", *(f"--{name}={value}" for name, value in options.items())]
    command = ["ray", "job", "submit", "--address", cluster.ray.dashboard, "--"]
    return cluster.nodes[0].start([*command, *train], cluster.ray.environment(), log)


def _trains(processes: dict[int, str]) -> bool:
    return any(line.startswith(_WORKER) for line in processes.values())
