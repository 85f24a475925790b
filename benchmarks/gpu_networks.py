"""The small networks that `benchmarks.gpu_training` trains, and the windows of each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import learning_curve
from pba.nets.epochs import stretches_per_batch
from pba.nets.training_recipe import TrainingRecipe, training_recipe
from pba.telemetry.datasets import WindowSet
from pba.telemetry.public_sets import PUBLIC_SETS, public_set
from pba.types import NetworkMode
from pba.types.profile import PROFILES
from train.budget import epoch_quotas
from train.set_selection import ALL_SETS, SetSelection
from train.splits import Splits, splits_from_traces
from train.training_plan import TrainingPlan

MODE = NetworkMode.INTERNET
UNSEEN_BUDGET, UNSEEN_EPOCHS = 800_000, 13
SMALL_SETS = ("mahimahi_cell", "ghent_4g")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network to train, its windows, the names of the sets to report on, and its folder."""

    plan: TrainingPlan
    splits: Splits
    reported: tuple[str, ...]
    folder: Path

    @property
    def train(self) -> WindowSet:
        return self.splits.train

    @property
    def val(self) -> WindowSet:
        return self.splits.val

    @property
    def test(self) -> WindowSet:
        """The `test` windows of the sets to report on, and of a small set that it learns from."""
        test = self.splits.test
        small = next(name for name in SMALL_SETS if name not in self.reported)
        groups = [test.names.index(name) for name in (small, *self.reported)]
        return test.only(np.flatnonzero(np.isin(test.groups, groups)))

    @property
    def kept(self) -> Path:
        """Where a run of `python -m train` that is resumed looks for its state."""
        return self.folder / "runs" / MODE / "kept"

    @property
    def recipe(self) -> TrainingRecipe:
        return training_recipe(self.plan.profile, self.train)

    @property
    def kind(self) -> tuple[Any, ...]:
        """Equal for networks that one graph computes."""
        return self.train.columns_seen, self.plan.epochs

    def order(self, epoch: int) -> np.ndarray:
        """Return where the stretches of an epoch begin, as the loop of a Ray Train worker does."""
        rng = np.random.default_rng([self.plan.seed, epoch])
        return self.train.draw_stretches(rng, self.plan.in_a_row, self.plan.windows_per_set)

    @property
    def val_order(self) -> np.ndarray:
        """Return the windows to validate with, as that loop draws them."""
        return self.val.draw(np.random.default_rng(self.plan.seed), self.plan.val_per_set)

    @property
    def batch(self) -> int:
        """The stretches of a batch."""
        return stretches_per_batch(self.plan.batch_size, self.plan.in_a_row, 1)

    @property
    def batches(self) -> int:
        """The batches of an epoch."""
        return -(-len(self.order(0)) // self.batch)


def unseen(traces: Path, output: Path, budget: int | None) -> Iterator[Network]:
    """Yield a network for each group of sets that it is to learn nothing of."""
    names = {path.stem for path in (traces / MODE).glob("*.parquet")}
    groups = {public_set(one.name).siblings: one.name for one in PUBLIC_SETS if one.name in names}
    everything = splits_from_traces(traces, MODE, PROFILES[MODE].window)
    trained = [group for group in groups if set(group) & set(everything.trained_on)]
    for group in trained:
        name = groups[group]
        if not any(public_set(one).is_counted for one in group):
            continue
        selection = SetSelection(unseen=(name,))
        plan = _plan(UNSEEN_EPOCHS, 0)
        of_group = tuple(one for one in group if one in names)
        yield _network(traces, selection, plan, budget or UNSEEN_BUDGET, output / name, of_group)


def curve(traces: Path, output: Path, budget: int | None) -> Iterator[Network]:
    """Yield the networks of `benchmarks.learning_curve`."""
    for share, seed, folder in learning_curve.write_shares(traces, output):
        parent = output / f"one-of-{share}"
        plan = _plan(learning_curve.EPOCHS, seed)
        yield _network(parent, ALL_SETS, plan, budget or learning_curve.BUDGET, folder, ())


def _plan(epochs: int, seed: int) -> TrainingPlan:
    profile = replace(PROFILES[MODE], learning_rate=learning_curve.RATE)
    return TrainingPlan(profile=profile, epochs=epochs, seed=seed)


def _network(
    traces: Path,
    selection: SetSelection,
    plan: TrainingPlan,
    budget: int,
    folder: Path,
    reported: tuple[str, ...],
) -> Network:
    splits = splits_from_traces(traces, MODE, plan.profile.window, selection)
    counts = [len(windows) for _, windows in splits.train.by_set()]
    quotas = epoch_quotas(counts, budget // plan.epochs, plan.in_a_row)
    plan = replace(plan, windows_per_set=quotas)
    return Network(plan, splits, reported, folder)
