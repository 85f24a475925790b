"""What a replay prints: scores and latency by path, the comparison of paths, and the links."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

import numpy as np
from rich.console import Console

from pba.cli.replay_links import LinkReplay
from pba.cli.terminal import plain_table
from pba.evaluation.trace_replay import ReplayOutcome, compare_forecasts, score_horizons

__all__ = ["print_report", "report_document"]

_HEADERS = (
    "steps",
    "n",
    "±20 %",
    "last\nvalue",
    "±10 %",
    "MAE\nMbps",
    "50 %",
    "90 %",
    "mean\nconf.",
)


def print_report(console: Console, paths: Sequence[str], replays: Sequence[LinkReplay]) -> None:
    """Print the report of a replay over ``paths``; it fits 80 columns."""
    outcomes = list(chain.from_iterable(replay.outcomes for replay in replays))
    for path, path_outcomes in zip(paths, zip(*outcomes, strict=True), strict=True):
        _print_path(console, path, path_outcomes)
    console.print(
        "±20 %, ±10 %: share of forecasts that close to the actual; last value: share\n"
        "within ±20 % if the last sample were the forecast. 50 %, 90 %: share of actuals\n"
        "inside that interval. conf.: the confidence, which should equal ±20 %.",
        highlight=False,
    )
    if len(paths) > 1:
        _print_comparison(console, outcomes)
    _print_links(console, replays)


def report_document(paths: Sequence[str], replays: Sequence[LinkReplay]) -> dict[str, Any]:
    """Return the same for JSON: what each path gave, and the links as the service has them."""
    outcomes = list(chain.from_iterable(replay.outcomes for replay in replays))
    by_path = {
        path: {
            "horizons": [asdict(score) for score in score_horizons(path_outcomes)],
            "latency_ms": _latencies(path_outcomes),
            "forecasts": dict(_sources(path_outcomes)),
        }
        for path, path_outcomes in zip(paths, zip(*outcomes, strict=True), strict=True)
    }
    return {"paths": by_path, "links": [one.state for one in replays if one.state is not None]}


def _print_path(console: Console, path: str, outcomes: Sequence[ReplayOutcome]) -> None:
    table = plain_table(*_HEADERS, numbers_from=0)
    for score in score_horizons(outcomes):
        shares = (score.accuracy_20, score.accuracy_20_last_value, score.accuracy_10)
        calibration = (score.coverage_50, score.coverage_90, score.confidence)
        table.add_row(
            str(score.steps),
            str(score.count),
            *(f"{share:.3f}" for share in shares),
            f"{score.mae_mbps:.4g}",
            *(f"{share:.3f}" for share in calibration),
        )
    console.print(f"\nForecasts from the {path} history", table, "", sep="\n", highlight=False)
    latencies = ", ".join(f"{name} {ms:.1f}" for name, ms in _latencies(outcomes).items())
    console.print(f"latency ms: {latencies}", highlight=False)
    sources = _counts(_sources(outcomes))
    console.print(f"forecasts by mode and source: {sources}\n", highlight=False)


def _latencies(outcomes: Sequence[ReplayOutcome]) -> dict[str, float]:
    latency_ms = np.array([outcome.latency_ms for outcome in outcomes])
    values = np.percentile(latency_ms, [50, 95, 99, 100])
    return dict(zip(("p50", "p95", "p99", "max"), values.tolist(), strict=True))


def _sources(outcomes: Sequence[ReplayOutcome]) -> Counter[str]:
    return Counter(f"{o.forecast.mode.value} {o.forecast.source}" for o in outcomes)


def _print_comparison(console: Console, outcomes: Sequence[tuple[ReplayOutcome, ...]]) -> None:
    compared = compare_forecasts((given.forecast, stored.forecast) for given, stored in outcomes)
    mean, largest = compared.confidence_change
    console.print(
        f"\nOf {len(outcomes)} pairs of forecasts, given and stored history: "
        f"{compared.comparable} come from the same model or rule in the same mode, and "
        f"{compared.equal} of these are equal in point and median; "
        f"{compared.different_mode} differ in the mode, "
        f"{compared.different_source} in the model or rule. The stored record of the link "
        f"changes the confidence by {mean:.3f} on average, by {largest:.3f} at most.",
        highlight=False,
    )


def _print_links(console: Console, replays: Sequence[LinkReplay]) -> None:
    stored = [
        (replay.link.set_name, replay.state) for replay in replays if replay.state is not None
    ]
    if not stored:
        return
    table = plain_table("set", "links", "mode now", "mode\nswitches", "leading forecaster")
    for name in dict.fromkeys(name for name, _ in stored):
        states = [state for set_name, state in stored if set_name == name]
        modes, leaders = (
            Counter(str(state[key]) for state in states) for key in ("mode", "leader")
        )
        switches = sum(state["mode_switches"] for state in states)
        table.add_row(name, str(len(states)), _counts(modes), str(switches), _counts(leaders))
    console.print("", table, "", sep="\n")
    prefix = replays[0].link.link_id.partition(":")[0]
    console.print(
        f"These links are in the console (/console), and their names start with {prefix}:\n"
        f"pba links --begins {prefix}",
    )


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common())
