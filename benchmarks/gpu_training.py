"""Many small networks at once on a GPU: `python -m benchmarks.gpu_training train WHICH DIR OUTPUT`.

``WHICH`` is ``unseen``, a network for each group of networks that it never meets, or ``curve``, the
networks of `benchmarks.learning_curve`. On two processor cores they take hours, one after the
other; networks of one shape fit into one step of a GPU. The recipe, the windows, their order and
their augmentation are those of `python -m train` with one worker; Keras runs on JAX
(``KERAS_BACKEND=jax``), which is not among this project's packages.

What it leaves in ``OUTPUT`` is the state of a run after its last epoch. On a machine with this
project's packages, ``export`` in place of ``train`` calibrates the networks and writes their files,
and prints what the networks know of the sets that they never met.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu_batches import (
    VALIDATION_BATCH,
    Batches,
    epoch_batches,
    stacked,
    validation_batches,
)
from benchmarks.gpu_networks import MODE, Network, curve, unseen
from benchmarks.gpu_steps import compiled
from pba.types import HORIZONS
from train.checkpoint import TrainingState, kept

NETWORKS: list[Network] = []
"""What the processes that cut windows inherit."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("train", "export"))
    parser.add_argument("which", choices=("unseen", "curve"))
    parser.add_argument("traces", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--budget", type=int, help="windows of each network")
    options = parser.parse_args()
    networks = unseen if options.which == "unseen" else curve
    NETWORKS.extend(networks(options.traces, options.output, options.budget))
    if options.step == "export":
        for row in _exported(NETWORKS):
            print(row, flush=True)
        return
    numbers = sorted(range(len(NETWORKS)), key=lambda number: NETWORKS[number].kind)
    fork = multiprocessing.get_context("fork")  # before JAX starts its threads
    with ProcessPoolExecutor(options.processes, mp_context=fork) as pool:
        list(pool.map(_describe, range(len(NETWORKS))))  # starts the processes
        for _, group in groupby(numbers, key=lambda number: NETWORKS[number].kind):
            _train(list(group), pool)


def _describe(number: int) -> None:
    network = NETWORKS[number]
    print(f"{network.folder}: {network.batches} batches an epoch", flush=True)


def _train(numbers: Sequence[int], pool: ProcessPoolExecutor) -> None:
    """Train networks of one kind, and write their states."""
    import jax

    networks = [NETWORKS[number] for number in numbers]
    plan, batches = networks[0].plan, max(network.batches for network in networks)
    epochs = [
        [pool.submit(_epoch, number, epoch, batches) for number in numbers]
        for epoch in range(plan.epochs)
    ]
    checks = -(-max(len(network.val_order) for network in networks) // VALIDATION_BATCH)
    jobs = [pool.submit(_validation, number, checks) for number in numbers]
    val = stacked([job.result() for job in jobs])
    counts = val.sizes.sum(axis=1)
    val = jax.device_put(val)
    train, validate, current = compiled(networks, batches)
    states = [TrainingState() for _ in networks]
    for epoch, jobs in enumerate(epochs):
        started = time.perf_counter()
        data = stacked([job.result() for job in jobs])
        jobs.clear()
        waited = time.perf_counter() - started
        current, losses = train(current, data)
        val_losses = np.asarray(validate(current, val)) / counts
        losses = np.asarray(losses) / data.sizes.sum(axis=1)
        weights = [np.asarray(one) for one in current[0]]
        for index, state in enumerate(states):
            figures = {"loss": float(losses[index]), "val_loss": float(val_losses[index])}
            state.add(figures, [one[index] for one in weights])
        took = time.perf_counter() - started
        print(f"epoch {epoch + 1}: {took:.1f} s, {waited:.1f} s of them waiting", flush=True)
        print(np.round(val_losses, 4).tolist(), flush=True)
    for network, state in zip(networks, states, strict=True):
        _write(network.kept / f"epoch-{state.epochs:05d}", state)


def _epoch(number: int, epoch: int, batches: int) -> Batches:
    return epoch_batches(NETWORKS[number], epoch, batches)


def _validation(number: int, batches: int) -> Batches:
    return validation_batches(NETWORKS[number], batches)


def _card(network: Network) -> Any:
    """Return the card of a network, whose files are written if they are not there."""
    from train.artifact_writer import write_artifacts
    from train.ray_trainer import TrainingRun

    folder = network.folder / MODE
    if (folder / "card.json").exists():
        return json.loads((folder / "card.json").read_text())
    reached = kept(network.kept)
    if reached is None:
        raise FileNotFoundError(f"no state in {network.kept}; train the networks first.")
    run = TrainingRun(
        network.plan, replace(network.splits, test=network.test), network.folder / "runs"
    )
    return write_artifacts(run, TrainingState.read(reached), folder, " ".join(sys.argv), plot=False)


def _exported(networks: Sequence[Network]) -> Iterator[str]:
    """Yield the rows of a table of the sets that the networks never met."""
    yield "| set | windows | accuracy_20, 1 / 5 / 15 steps | last value |"
    yield "| --- | --- | --- | --- |"
    for network in networks:
        card = _card(network)
        for name in network.reported:
            figures = card["metrics"]["sets"][name]
            cells = (_cell(figures[one]) for one in ("model", "last_value"))
            yield f"| {name} | {figures['windows']} | {' | '.join(cells)} |"


def _cell(figures: Mapping[str, Any]) -> str:
    parts = (figures.get(str(steps), {}).get("accuracy_20", np.nan) for steps in HORIZONS)
    return " / ".join(f"{part:.3f}" for part in parts)


def _write(folder: Path, state: TrainingState) -> None:
    """Write the best weights and the history where a resumed run reads them."""
    folder.mkdir(parents=True)
    named = {f"best.{index}": array for index, array in enumerate(state.best)}
    np.savez(folder / "arrays.npz", allow_pickle=False, **named)
    (folder / "state.json").write_text(json.dumps(state.history))


if __name__ == "__main__":
    main()
