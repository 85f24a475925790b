"""What a replay prints: how forecasts turned out, path by path, and what became of the links."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain

import numpy as np
from rich.console import Console
from rich.table import Table

from pba.cli.replay_links import LinkReplay
from pba.evaluation.trace_replay import ReplayOutcome, agreement, score

__all__ = ["print_report"]


def print_report(console: Console, paths: Sequence[str], fed: Sequence[LinkReplay]) -> None:
    """Print all that there is to say of a replay whose outcomes are of ``paths``."""
    turns = list(chain.from_iterable(one.outcomes for one in fed))
    console.print(
        "Shares within ±20 % and ±10 % of the actual, of the last value too; share inside"
    )
    console.print("the 50 % and 90 % bands; mean confidence.")
    for path, outcomes in zip(paths, zip(*turns, strict=True), strict=True):
        _path(console, path, outcomes)
    if len(paths) > 1:
        _compare(console, turns)
    _links(console, fed)


def _path(console: Console, path: str, outcomes: Sequence[ReplayOutcome]) -> None:
    table = Table("steps", "n", "±20 %", "last value", "±10 %", "MAE Mbps", "50 %", "90 %", "sure")
    for found in score(outcomes):
        steps, count, *figures = asdict(found).values()
        table.add_row(str(steps), str(count), *(f"{figure:.3f}" for figure in figures))
    console.print(f"\n{path} history", table)
    took = np.array([outcome.latency_ms for outcome in outcomes])
    p50, p95, p99 = np.percentile(took, [50, 95, 99])
    console.print(f"latency ms: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, max {took.max():.1f}")
    said = Counter((o.forecast.mode.value, o.forecast.source) for o in outcomes)
    console.print("answered by: " + ", ".join(f"{m} {s} {n}" for (m, s), n in said.items()))


def _compare(console: Console, turns: Sequence[tuple[ReplayOutcome, ...]]) -> None:
    found = agreement((one.forecast, other.forecast) for one, other in turns)
    mean, most = found.confidence_moved
    console.print(
        f"\nThe same spoke on both paths at {found.alike} of {len(turns)} moments, and said the "
        f"same at {found.same} of these;"
    )
    console.print(
        f"another mode at {found.other_mode}, another speaker at {found.other_speaker}. "
        f"What is stored moved the confidence by {mean:.3f} on the mean, {most:.3f} at most."
    )


def _links(console: Console, fed: Sequence[LinkReplay]) -> None:
    states = [(one.link.set_name, one.state) for one in fed if one.state is not None]
    if not states:
        return
    table = Table("set", "links", "mode now", "switches of mode", "who leads")
    for name in dict.fromkeys(name for name, _ in states):
        own = [state for found, state in states if found == name]
        modes, leaders = (Counter(state[key] for state in own) for key in ("mode", "leader"))
        switches = sum(state["mode_switches"] for state in own)
        table.add_row(name, str(len(own)), _counted(modes), str(switches), _counted(leaders))
    console.print("", table)
    prefix = fed[0].link.link_id.partition(":")[0]
    console.print(f"The links are called {prefix}:…; see GET /v1/links?cursor={prefix}")


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.most_common())
