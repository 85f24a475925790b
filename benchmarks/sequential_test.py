"""How often is a verdict on equal arms wrong, and how soon is a difference noticed?

`python -m benchmarks.sequential_test [--runs 500] [--traces DIR] [--write]` tests arms that take
turns, simulated and on real traces, after every closed block. ``--write`` puts the tables into
docs/results/rollout.md.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.dependent_arms import STEPS, TraceArms, simulated_net
from benchmarks.trace_outcomes import trace_hits
from pba.rollout.sequential_test import first_decision

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "docs" / "results" / "rollout.md"
CACHE = PROJECT / "build" / "verdict"
BLOCK, SHORT_BLOCK = 600, 60
POINTS, POWER_LINKS = 0.03, 20
SEED = 17
Net = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--power-runs", type=int, default=200)
    parser.add_argument("--traces", type=Path, help="folder of real traces")
    parser.add_argument("--write", action="store_true", help="write the tables into the docs")
    options = parser.parse_args()
    tables = {"false verdicts": list(simulated_rows(options.runs))}
    if options.traces:
        hits = trace_hits(options.traces, CACHE)
        tables["swapped arms"] = list(swapped_rows(hits, options.runs))
        tables["power"] = list(power_rows(hits, options.power_runs))
    for name, rows in tables.items():
        print(f"\n{name}\n\n" + "\n".join(rows))
        if options.write:
            _write(name, rows)


def simulated_rows(runs: int) -> Iterator[str]:
    """Yield a table of equal simulated arms that take turns."""
    yield "| block | one arm is ahead for | 5 links | 20 links | 100 links |"
    yield "| --- " * 5 + "|"
    turns = [(BLOCK, turn) for turn in (1, 50, 600)] + [(SHORT_BLOCK, turn) for turn in (60, 600)]
    for block, turn in turns:
        for shared in (False, True):
            label = f"{turn} samples{', all links at once' if shared else ''}"
            cells = [
                _decided(partial(simulated_net, links, block, turn, shared), runs)
                for links in (5, 20, 100)
            ]
            yield f"| {block} | {label} | {' | '.join(cells)} |"


def swapped_rows(hits: dict[str, NDArray[np.bool_]], runs: int) -> Iterator[str]:
    """Yield a table of real outcomes whose arms are swapped at random."""
    yield "| block | arms | swapped every | 5 links | 20 links | 100 links |"
    yield "| --- " * 6 + "|"
    turns = [(BLOCK, 50), (BLOCK, 600), (SHORT_BLOCK, 600), (BLOCK, STEPS)]
    for block, turn in turns:
        for one, other in (("v1", "v3"), ("last value", "EWMA")):
            arms = TraceArms.of(hits[one], hits[other])
            label = "never: once per link" if turn == STEPS else f"{turn} samples"
            cells = [
                _decided(partial(arms.swapped_net, links, block, turn), runs)
                for links in (5, 20, 100)
            ]
            yield f"| {block} | {one}, {other} | {label} | {' | '.join(cells)} |"


def power_rows(hits: dict[str, NDArray[np.bool_]], runs: int) -> Iterator[str]:
    """Yield a table of real outcomes in which v3 takes v1's place in some blocks."""
    yield "| block | moments a link | `better` | `worse` | blocks until decided, median |"
    yield "| --- " * 5 + "|"
    arms = TraceArms.of(hits["v1"], hits["v3"])
    for block in (BLOCK, SHORT_BLOCK):
        steps = STEPS * block // BLOCK
        rng = np.random.default_rng(SEED)
        nets = (arms.better_net(POWER_LINKS, block, steps, POINTS, rng) for _ in range(runs))
        decisions = [first_decision(net) for net in nets]
        blocks, signs = (np.array(column) for column in zip(*decisions, strict=True))
        median = f"{np.median(blocks[blocks > 0]):.0f}" if blocks.any() else "–"
        better, worse = (f"{np.mean(signs == sign):.1%}" for sign in (1, -1))
        yield f"| {block} | {steps} | {better} | {worse} | {median} |"


def _decided(draw: Callable[[np.random.Generator], Net], runs: int) -> str:
    """Return the share of runs that are ever decided, and its standard error."""
    rng = np.random.default_rng(SEED)
    decided = np.array([first_decision(draw(rng))[0] > 0 for _ in range(runs)])
    share = decided.mean()
    return f"{share:.1%} ± {np.sqrt(max(share * (1 - share), 1 / runs / 4) / runs):.1%}"


def _write(name: str, rows: list[str]) -> None:
    """Replace a table of the docs."""
    text = PAGE.read_text()
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = text.split(start)
    PAGE.write_text("\n".join([before + start, *rows, end + rest.split(end)[1]]))


if __name__ == "__main__":
    main()
