"""A changed configuration is deployed again and again under load: does a call fail?"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from benchmarks.cluster.calls import errors, quantile_s, within
from benchmarks.cluster.load import Load
from benchmarks.cluster.samples import Samples, compare, noticed
from tests.cluster.bed.cluster import PROFILE, Cluster
from tests.support.waiting import wait_until

__all__ = ["Upgrades", "problems", "run", "table"]

_TIMES = 5
_QUIET_S = 5.0
_DEPLOYED_S = 300.0


@dataclass(frozen=True)
class Upgrades:
    """Each upgrade's begin and end, in seconds of the load."""

    load: Load
    spans: list[tuple[float, float]]
    samples: Samples


def run(cluster: Cluster, report: Callable[[str], None]) -> Upgrades:
    """Deploy the profile with another setting, five times, which replaces every replica."""
    spans = []
    with Load(cluster.urls, cluster.grpc_addresses) as load:
        load.wait(_QUIET_S)
        for number in range(1, _TIMES + 1):
            report(f"upgrade {number}")
            spans.append(_upgrade(cluster, load, number))
            load.wait(_QUIET_S)
    return Upgrades(load, spans, compare(cluster.urls, load.acknowledged))


def _upgrade(cluster: Cluster, load: Load, number: int) -> tuple[float, float]:
    config = yaml.safe_load(PROFILE.read_text())
    config["applications"][0]["args"]["max_in_flight"] = 256 + number
    path = cluster.shared / "changed.yaml"
    path.write_text(yaml.safe_dump(config))
    before, begun_s = set(cluster.replicas("Router")), load.now_s()
    cluster.deploy(path)

    def is_replaced() -> bool:
        return cluster.is_whole() and before.isdisjoint(cluster.replicas("Router"))

    wait_until(is_replaced, _DEPLOYED_S, "the replacement of every router")
    time.sleep(1.0)
    return begun_s, load.now_s()


def problems(upgrades: Upgrades) -> list[str]:
    """Return what callers should not have noticed."""
    return noticed(upgrades.load.with_retries(), upgrades.samples)


def table(upgrades: Upgrades) -> str:
    """Return the table of all upgrades."""
    lines = ["| upgrade | took s | calls | failed | p99 s | longest s |", "| --- " * 6 + "|"]
    for number, (begun_s, ended_s) in enumerate(upgrades.spans, 1):
        calls = within(upgrades.load.with_retries(), begun_s, ended_s)
        lines.append(
            f"| {number} | {ended_s - begun_s:.0f} | {len(calls)} | {sum(errors(calls).values())} "
            f"| {quantile_s(calls, 0.99):.2f} | {quantile_s(calls, 1.0):.1f} |"
        )
    return "\n".join(lines)
