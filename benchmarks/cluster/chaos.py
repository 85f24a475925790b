"""Nodes and replicas die under load: what do callers notice?"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from benchmarks.cluster.calls import errors, full_again_s, quantile_s, within
from benchmarks.cluster.faults import Fault
from benchmarks.cluster.load import BARE, Load
from benchmarks.cluster.samples import Samples, compare, noticed
from tests.cluster.bed.cluster import Cluster

__all__ = ["QUIET_S", "Chaos", "Episode", "losses", "problems", "run", "table"]

QUIET_S = 36.0
"""How long all is well between two faults."""
_RESTORED_S = 120.0
_ANSWERS_S = 30.0
_P99_S, _LONGEST_S = 3.0, 10.0


@dataclass(frozen=True)
class Episode:
    """A fault and what callers noticed; times in seconds."""

    fault: Fault
    begun_s: float
    ended_s: float
    answers_after_s: float | None
    restored_after_s: float


@dataclass(frozen=True)
class Chaos:
    """All that happened."""

    load: Load
    episodes: list[Episode]
    samples: Samples


def run(
    cluster: Cluster,
    faults: Sequence[Fault],
    report: Callable[[str], None],
    quiet_s: float = QUIET_S,
) -> Chaos:
    """Let each fault happen once; ``report`` is told of it, and how busy the machine is before."""
    episodes = []
    with Load(cluster.urls, cluster.grpc_addresses) as load:
        psutil.cpu_percent()  # the next call counts from here
        load.wait(quiet_s)
        report(f"the load takes {psutil.cpu_percent():.0f} % of all processors")
        for fault in faults:
            report(fault.name)
            episodes.append(_suffer(cluster, load, fault))
            load.wait(quiet_s)
    return Chaos(load, episodes, compare(cluster.urls, load.acknowledged))


def _suffer(cluster: Cluster, load: Load, fault: Fault) -> Episode:
    begun_s = load.now_s()
    fault.begin(cluster)
    load.wait(fault.lasts_s)
    fault.end(cluster)
    ended_s, answers_after_s = load.now_s(), None
    if fault.returns is not None:
        node = next(node for node in cluster.nodes if node.number == fault.returns)
        answers_after_s = _wait(lambda: cluster.is_ready(node), load) - ended_s
    load.wait(1.0)
    restored_after_s = _wait(cluster.is_whole, load) - begun_s
    return Episode(fault, begun_s, load.now_s(), answers_after_s, restored_after_s)


def _wait(holds: Callable[[], bool], load: Load) -> float:
    """Return when ``holds`` became true, infinity if it did not in time."""
    limit = time.monotonic() + _RESTORED_S
    while time.monotonic() < limit:
        with contextlib.suppress(AssertionError):
            if holds():
                return load.now_s()
        time.sleep(0.2)
    return float("inf")


def losses(chaos: Chaos) -> list[str]:
    """Return what callers must never notice, however busy the machine is."""
    return noticed(chaos.load.with_retries(), chaos.samples)


def problems(chaos: Chaos) -> list[str]:
    """Return what callers should not have noticed."""
    calls, excesses = chaos.load.with_retries(), losses(chaos)
    for quantile, limit_s in ((0.99, _P99_S), (1.0, _LONGEST_S)):
        took_s = quantile_s(calls, quantile)
        if took_s > limit_s:
            excesses.append(
                f"the {quantile:.0%} quantile is {took_s:.1f} s; it may be {limit_s:g} s"
            )
    for episode in chaos.episodes:
        full_s = _full_again_s(chaos, episode)
        if full_s > episode.fault.full_again_s:
            limit_s = episode.fault.full_again_s
            excesses.append(
                f"{episode.fault.name}: full again after {full_s:g} s, not {limit_s:g} s"
            )
        if (episode.answers_after_s or 0) > _ANSWERS_S:
            excesses.append(
                f"{episode.fault.name}: it answers {episode.answers_after_s:.0f} s later"
            )
    return excesses


def _full_again_s(chaos: Chaos, episode: Episode) -> float:
    return full_again_s(chaos.load.with_retries(), episode.begun_s, episode.ended_s)


def table(chaos: Chaos) -> str:
    """Return the table of all faults, and what they cost together."""
    heads = (
        "what happens",
        "calls",
        "failed",
        "p99 s",
        "longest s",
        "full again after s",
        "node answers after s",
        "all replicas after s",
        "bare: failed of",
        "bare: errors",
    )
    rows = [heads, ("---",) * len(heads), *(_row(chaos, each) for each in chaos.episodes)]
    calls = chaos.load.with_retries()
    samples = chaos.samples
    return "\n".join(
        [
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            f"{len(calls)} calls with retries: {sum(errors(calls).values())} failed, p50 "
            f"{quantile_s(calls, 0.5):.3f} s, p99 {quantile_s(calls, 0.99):.2f} s, longest "
            f"{quantile_s(calls, 1):.1f} s. Of {samples.acknowledged} acknowledged samples "
            f"{samples.lost} are lost, and {samples.twice} are stored twice.",
        ]
    )


def _row(chaos: Chaos, episode: Episode) -> tuple[str, ...]:
    span = (episode.begun_s, episode.ended_s)
    calls = within(chaos.load.with_retries(), *span)
    bare = [call for call in within(chaos.load.calls, *span) if call.client.startswith(BARE)]
    answers_s = episode.answers_after_s
    return (
        episode.fault.name,
        str(len(calls)),
        str(sum(errors(calls).values())),
        f"{quantile_s(calls, 0.99):.2f}",
        f"{quantile_s(calls, 1.0):.1f}",
        f"{_full_again_s(chaos, episode):g}",
        "" if answers_s is None else f"{answers_s:.0f}",
        f"{episode.restored_after_s:.0f}",
        f"{sum(errors(bare).values())} of {len(bare)}",
        ", ".join(f"{count} {error}" for error, count in errors(bare).most_common()),
    )
