"""How often does the sequential test of two arms decide, and after how many outcomes?

`python -m benchmarks.sequential_test [RUNS]` draws points that both arms forecast, each arm in
band or not, and evaluates the test after every one of them.
"""

import sys

import numpy as np

from pba.rollout.sequential_test import verdict

OUTCOMES = 30_000


def main(runs: int = 1000) -> None:
    rng = np.random.default_rng(1)
    print("| arms differ on | v3 better by | runs that call v3 better | worse | undecided |"
          " outcomes until decided, median (90 % of runs) |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- |")
    for differ in (0.08, 0.15, 0.30):
        for better in (0.0, 0.01, 0.03, -0.03):
            decisions = [_decision(rng, differ, better) for _ in range(runs)]
            print(f"| {differ:.0%} of points | {better:+.0%} | {_row(decisions)} |", flush=True)


def _decision(rng: np.random.Generator, differ: float, better: float) -> int:
    """Return the outcomes until the test decides, negative for ``worse``; 0 for no decision."""
    draws = rng.random(OUTCOMES)
    won = draws < (differ + better) / 2
    lost = ~won & (draws < differ)
    discordant = np.flatnonzero(won | lost)
    wins, losses = np.cumsum(won[discordant]), np.cumsum(lost[discordant])
    for index, counts in enumerate(zip(wins.tolist(), losses.tolist(), strict=True)):
        decision = verdict(*counts)
        if decision != "undecided":
            return int(discordant[index] + 1) * (1 if decision == "better" else -1)
    return 0


def _row(decisions: list[int]) -> str:
    """Return the shares of the runs, and the outcomes until most of them are decided."""
    outcomes = np.array(decisions)
    shares = [f"{np.mean(part):.1%}" for part in (outcomes > 0, outcomes < 0, outcomes == 0)]
    decided = np.abs(outcomes[outcomes != 0])
    if len(decided) <= len(outcomes) / 2:
        return " | ".join([*shares, "–"])
    return " | ".join([*shares, f"{np.median(decided):.0f} ({np.quantile(decided, 0.9):.0f})"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
