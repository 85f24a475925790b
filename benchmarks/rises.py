"""How often does a sudden rise last? `python -m benchmarks.rises --traces DIR`.

A rise is a rate over three times each of the 30 before it, on the train and val traces of the
internet sets. It lasts if the next rate is nearer to it than to the rate before it, as a ratio. The
weights of a newest sample in `pba.forecasting.planning` rest on this.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.sampled_traces import trace_runs
from pba.types import Floats, NetworkMode

FACTOR, AROUND, LEAST_MBPS = 3.0, 30, 0.01
BOUNDS = (3.0, 5.0, 10.0, 20.0, 50.0, np.inf)
"""Of the ratio to the highest of the 30 rates before."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, required=True)
    folder = parser.parse_args().traces
    rises = np.concatenate(
        [
            rises_of(run.telemetry[:, 0])
            for split in ("train", "val")
            for runs in trace_runs(folder, NetworkMode.INTERNET, split).values()
            for run in runs
        ]
    )
    print("| times the highest before | rises | that lasted |\n| --- | --- | --- |")
    for low, high in [*pairwise(BOUNDS), (BOUNDS[0], BOUNDS[-1])]:
        lasted = rises[(rises[:, 0] >= low) & (rises[:, 0] < high), 1]
        print(f"| {low:g} to {high:g} | {len(lasted)} | {lasted.mean():.2f} |")


def rises_of(rate_mbps: Floats) -> Floats:
    """Return ratio, and 1 if it lasted or 0, of each rise, shape ``(rise, 2)``."""
    rates = np.asarray(rate_mbps, dtype=float)
    rows = []
    for at in range(AROUND, len(rates) - 1):
        ratio = rates[at] / max(float(rates[at - AROUND : at].max()), LEAST_MBPS)
        if ratio > FACTOR:
            before, here, after = np.log(rates[at - 1 : at + 2] + LEAST_MBPS)
            rows.append((ratio, abs(after - here) < abs(after - before)))
    return np.array(rows, dtype=float).reshape(-1, 2)


if __name__ == "__main__":
    main()
