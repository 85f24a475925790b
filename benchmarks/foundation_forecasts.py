"""Forecasts of fracast for the moments that `benchmarks.foundation_model` wrote; see there.

Runs in an environment that has fracast and torch, and nothing of this project.
"""

import argparse
from pathlib import Path

import numpy as np
from fracast import FracastModel

STEPS, BATCH = 60, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    model = FracastModel.from_pretrained(weights="fp32")
    median = model.quantiles.index(0.5)
    (folder / "forecasts").mkdir(exist_ok=True)
    for path in sorted((folder / "moments").glob("*.npz")):
        contexts = np.load(path)["context"]
        parts = [
            model.forecast(contexts[start : start + BATCH], horizon=STEPS)[:, :, median]
            for start in range(0, len(contexts), BATCH)
        ]
        medians = np.maximum(np.concatenate(parts), 0.0)
        np.savez_compressed(folder / "forecasts" / path.name, median_mbps=medians)
        print(path.stem, len(contexts), flush=True)


if __name__ == "__main__":
    main()
