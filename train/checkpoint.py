"""The state of a run on disk: arrays as NPZ and figures as JSON, no pickle.

What `keep` writes is complete at every moment. A worker that died, and a whole run that was killed,
lose no more than the epoch that they were in.
"""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from pba.types import Floats

from .training_plan import TrainingPlan

__all__ = ["TrainingState", "best_weights", "keep", "kept", "load", "save"]

_ARRAYS, _FIGURES = "arrays.npz", "state.json"
_KEPT = "epoch-"


@dataclass(slots=True, eq=False)
class TrainingState:
    """The progress of a training run.

    Parameters
    ----------
    history
        Figure → its value after each epoch.
    best
        The weights after the epoch with the lowest validation loss.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    best: list[Floats] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """The number of completed epochs."""
        return len(self.history.get("val_loss", ()))

    @property
    def since_best(self) -> int:
        """The number of epochs since the best one."""
        return self.epochs - 1 - int(np.argmin(self.history["val_loss"])) if self.epochs else 0

    def completes(self, plan: TrainingPlan) -> bool:
        """Whether no epoch of ``plan`` is left to train."""
        return self.epochs >= plan.epochs or self.since_best >= plan.patience

    def add(self, figures: dict[str, float], weights: list[Floats]) -> None:
        """Append an epoch's ``figures`` and keep its ``weights`` if they are the best so far."""
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        if self.since_best == 0:
            self.best = weights

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the state that `save` wrote into ``folder``."""
        history = json.loads((folder / _FIGURES).read_text())
        return cls(history, best_weights(folder))


def save(folder: Path, state: TrainingState, model: Any, optimizer: Any) -> None:
    """Write ``state`` with the weights and the optimizer's variables into ``folder``."""
    arrays = {
        "weights": model.get_weights(),
        "optimizer": [variable.numpy() for variable in optimizer.variables],
        "best": state.best,
    }
    named = {
        f"{group}.{index}": array
        for group, values in arrays.items()
        for index, array in enumerate(values)
    }
    np.savez(folder / _ARRAYS, allow_pickle=False, **named)
    (folder / _FIGURES).write_text(json.dumps(state.history))


def keep(folder: Path, state: TrainingState, model: Any, optimizer: Any) -> None:
    """Write the state into ``folder`` in place of that of the epoch before.

    It is written beside the former one, renamed when complete, and only then is the former one
    deleted.
    """
    former = _kept_folders(folder)
    draft = folder / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    save(draft, state, model, optimizer)
    draft.rename(folder / f"{_KEPT}{state.epochs:05d}")
    for one in former:
        shutil.rmtree(one)


def kept(folder: Path) -> Path | None:
    """Return the folder of the newest state that `keep` wrote into ``folder``, if there is one."""
    return max(_kept_folders(folder), default=None)


def _kept_folders(folder: Path) -> list[Path]:
    return [*folder.glob(f"{_KEPT}*")]


def load(folder: Path, model: Any, optimizer: Any) -> TrainingState:
    """Restore ``model`` and ``optimizer`` from what `save` wrote and return the state."""
    model.set_weights(_arrays(folder, "weights"))
    for variable, value in zip(optimizer.variables, _arrays(folder, "optimizer"), strict=True):
        variable.assign(value)
    return TrainingState.read(folder)


def best_weights(folder: Path) -> list[Floats]:
    """Return the best weights so far, in the order of ``model.get_weights()``."""
    return _arrays(folder, "best")


def _arrays(folder: Path, group: str) -> list[Floats]:
    with np.load(folder / _ARRAYS, allow_pickle=False) as archive:
        count = sum(name.startswith(f"{group}.") for name in archive)
        return [archive[f"{group}.{index}"] for index in range(count)]
