"""Another configuration or release is deployed under load: does a call fail?"""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.cluster.calls import errors, quantile_s, within
from benchmarks.cluster.load import Load
from benchmarks.cluster.samples import Samples, compare, noticed
from tests.cluster.bed.cluster import PROFILE, Cluster
from tests.cluster.bed.machine import PROJECT
from tests.support.waiting import wait_until

__all__ = ["BEFORE", "Upgrades", "problems", "release", "releases", "run", "settings", "table"]

BEFORE = "5d93748"
"""A commit whose store has the schema v10, and which knows the profile of a cluster."""

_TIMES = 5
_QUIET_S = 5.0
_DEPLOYED_S = 300.0

Step = tuple[str, Path]
"""What an upgrade is called, and the configuration that it deploys."""


@dataclass(frozen=True)
class Upgrades:
    """Each upgrade's name, begin and end, in seconds of the load."""

    load: Load
    spans: list[tuple[str, float, float]]
    samples: Samples


def settings(cluster: Cluster) -> Iterator[Step]:
    """Yield the profile with another setting, five times, which replaces every replica."""
    for number in range(1, _TIMES + 1):
        config = yaml.safe_load(PROFILE.read_text())
        config["applications"][0]["args"]["max_in_flight"] = 256 + number
        path = cluster.shared / "changed.yaml"
        path.write_text(yaml.safe_dump(config))
        yield f"setting {number}", path


def releases(before: Path) -> Iterator[Step]:
    """Yield this release, and then the one ``before`` again, on the schema of this one."""
    yield "this release", PROFILE
    yield "back to the one before", before


def release(commit: str, folder: Path) -> Path:
    """Write the code of a commit into ``folder``; return the configuration that deploys it."""
    folder.mkdir(parents=True)
    archive = ["git", "archive", commit]
    content = subprocess.run(archive, cwd=PROJECT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "x"], cwd=folder, input=content, check=True)
    config = yaml.safe_load((folder / PROFILE.relative_to(PROJECT)).read_text())
    environment = {"env_vars": {"PYTHONPATH": str(folder)}}
    config["applications"][0]["runtime_env"] = environment
    path = folder / "deployed.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def run(cluster: Cluster, steps: Iterator[Step], report: Callable[[str], None]) -> Upgrades:
    """Deploy one configuration after the other."""
    spans = []
    with Load(cluster.urls, cluster.grpc_addresses) as load:
        load.wait(_QUIET_S)
        for name, path in steps:
            report(name)
            spans.append((name, *_upgrade(cluster, load, path)))
            load.wait(_QUIET_S)
    return Upgrades(load, spans, compare(cluster.urls, load.acknowledged))


def _upgrade(cluster: Cluster, load: Load, path: Path) -> tuple[float, float]:
    before, begun_s = set(cluster.replicas("Router")), load.now_s()
    cluster.deploy(path)

    def is_replaced() -> bool:
        return cluster.is_whole() and before.isdisjoint(cluster.replicas("Router"))

    wait_until(is_replaced, "the replacement of every router", limit_s=_DEPLOYED_S)
    time.sleep(1.0)
    return begun_s, load.now_s()


def problems(upgrades: Upgrades) -> list[str]:
    """Return what callers should not have noticed."""
    return noticed(upgrades.load.with_retries(), upgrades.samples)


def table(upgrades: Upgrades) -> str:
    """Return the table of all upgrades."""
    lines = ["| upgrade | took s | calls | failed | p99 s | longest s |", "| --- " * 6 + "|"]
    for name, begun_s, ended_s in upgrades.spans:
        calls = within(upgrades.load.with_retries(), begun_s, ended_s)
        lines.append(
            f"| {name} | {ended_s - begun_s:.0f} | {len(calls)} | {sum(errors(calls).values())} "
            f"| {quantile_s(calls, 0.99):.2f} | {quantile_s(calls, 1.0):.1f} |"
        )
    return "\n".join(lines)
