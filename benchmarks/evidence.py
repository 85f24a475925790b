"""How often does a comparison of arms decide, and after how many outcomes?

`python -m benchmarks.evidence [RUNS]` draws moments that both arms forecast, each arm in band or
not, and looks at the verdict after every one of them.
"""

import sys

import numpy as np

from pba.rollout.sequential_test import bayes_factor

OUTCOMES, DECIDED = 30_000, 20.0


def main(runs: int = 1000) -> None:
    rng = np.random.default_rng(1)
    print("| arms differ on | v3 better by | runs that call v3 better | worse | never decide |"
          " outcomes until decided, median (90 % of runs) |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- |")
    for differ in (0.08, 0.15, 0.30):
        for better in (0.0, 0.01, 0.03, -0.03):
            decided = [_decided(rng, differ, better) for _ in range(runs)]
            print(f"| {differ:.0%} of moments | {better:+.0%} | {_row(decided)} |", flush=True)


def _decided(rng: np.random.Generator, differ: float, better: float) -> int:
    """Return after how many outcomes a verdict falls, negative where it is ``worse``; 0 never."""
    drawn = rng.random(OUTCOMES)
    won, lost = drawn < (differ + better) / 2, (drawn >= (differ + better) / 2) & (drawn < differ)
    at = np.flatnonzero(won | lost)
    wins, losses = np.cumsum(won[at]), np.cumsum(lost[at])
    for place, counts in enumerate(zip(wins.tolist(), losses.tolist(), strict=True)):
        if bayes_factor(*counts) >= DECIDED:
            return int(at[place] + 1) * (1 if counts[0] > counts[1] else -1)
    return 0


def _row(decided: list[int]) -> str:
    found = np.array(decided)
    shares = [f"{np.mean(part):.1%}" for part in (found > 0, found < 0, found == 0)]
    after = np.abs(found[found != 0])
    many = len(after) > len(found) / 2
    when = f"{np.median(after):.0f} ({np.quantile(after, 0.9):.0f})" if many else "–"
    return " | ".join([*shares, when])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
