"""`pba verdict`: the rollout's test, on a file of paired outcomes."""

import json
import re
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from pba.cli.terminal import activity, plain_table
from pba.errors import InvalidRequest, quoted
from pba.evaluation.paired_outcomes import OutcomeBlocks, outcome_blocks, read_outcomes
from pba.rollout.sequential_test import (
    BLOCKS_NEEDED,
    THRESHOLD,
    autocorrelation,
    evidence_after_blocks,
    first_decision,
)
from pba.types import rfc3339_of

__all__ = ["verdict"]

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|)")
_SECONDS = {"s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}
_LINES = 40
_VERDICTS = {-1: "worse", 0: "undecided", 1: "better"}

Outcomes = Annotated[
    Path, typer.Argument(help="CSV or Parquet: link_id, made_at, v1_in_band, v3_in_band.")
]
Block = Annotated[str, typer.Option(help="The length of a block: 60s, 30m, 1h.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with every block.")]


def verdict(file: Outcomes, block: Block = "30m", as_json: AsJson = False) -> None:
    """Test whether v3 is better or worse than v1 where both forecast, as a rollout does."""
    with activity(f"test {file}"):
        result = _result(outcome_blocks(read_outcomes(file), _seconds(block)))
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        _print_result(Console(), result, block)


def _seconds(block: str) -> float:
    match = _LENGTH.fullmatch(block.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if seconds <= 0.0:
        raise InvalidRequest(
            f"--block is {quoted(block)}; it is a length of time above 0, such as 60s, 30m or 1h."
        )
    return seconds


def _result(blocks: OutcomeBlocks) -> dict[str, Any]:
    count, links = len(blocks.pairs), len(blocks.net)
    rows: list[dict[str, Any]] = []
    decided, sign, correlation = 0, 0.0, 0.0
    if count:
        evidence = evidence_after_blocks(blocks.net)
        first, signs = first_decision(blocks.net)
        decided, sign = int(first), float(signs)
        correlation = float(autocorrelation(blocks.net.sum(axis=0))[-1])
        columns = (blocks.end_s, blocks.pairs, blocks.net.sum(axis=0), evidence)
        rows = [
            {"end": rfc3339_of(end), "pairs": pairs, "net": net, "evidence": value}
            for end, pairs, net, value in zip(*(c.tolist() for c in columns), strict=True)
        ]
    return {
        "verdict": _VERDICTS[int(np.sign(sign))],
        "decided_after_blocks": decided or None,
        "evidence": rows[-1]["evidence"] if rows else 1.0,
        "decides_at": THRESHOLD,
        "blocks": count,
        "blocks_needed": BLOCKS_NEEDED,
        "independent_blocks": count * (1.0 - correlation) / (1.0 + correlation),
        "links": links,
        "pairs": int(blocks.pairs.sum()),
        "unfinished_pairs": blocks.unfinished,
        "evidence_after_blocks": rows,
    }


def _print_result(console: Console, result: dict[str, Any], block: str) -> None:
    rows = result["evidence_after_blocks"]
    table = plain_table("block", "end", "pairs", "net", "evidence", numbers_from=2)
    stride = -(-len(rows) // _LINES) if rows else 1
    for number, row in enumerate(rows, start=1):
        if number % stride == 0 or number in (1, len(rows), result["decided_after_blocks"]):
            cells = (str(row["pairs"]), f"{row['net']:+d}", f"{row['evidence']:.3g}")
            table.add_row(str(number), row["end"], *cells)
    if rows:
        console.print(table, highlight=False)
    decided = result["decided_after_blocks"]
    when = f" since block {decided}" if decided else ""
    lines = [
        f"v3 is {result['verdict']}{when}. Evidence {result['evidence']:.3g}; it decides at "
        f"{result['decides_at']:g}, from block {result['blocks_needed']} on.",
        f"It rests on {result['blocks']} blocks of {block}, as good as "
        f"{result['independent_blocks']:.1f} independent ones, with {result['pairs']} pairs of "
        f"{result['links']} links.",
        f"The last block is unfinished: its {result['unfinished_pairs']} pairs do not count.",
    ]
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
