"""Where a run stands, on disk: arrays in NPZ and figures in JSON, no pickle."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from pba.types import Floats

__all__ = ["TrainingState", "best_weights", "load", "save"]

_ARRAYS, _FIGURES = "arrays.npz", "state.json"


@dataclass(slots=True, eq=False)
class TrainingState:
    """How far training is.

    Parameters
    ----------
    history
        Figures by epoch.
    best
        The weights of the epoch with the lowest validation loss.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    best: list[Floats] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many epochs are done."""
        return len(self.history.get("val_loss", ()))

    @property
    def since_best(self) -> int:
        """How many epochs have passed since the best one."""
        return self.epochs - 1 - int(np.argmin(self.history["val_loss"])) if self.epochs else 0

    def add(self, figures: dict[str, float], weights: list[Floats]) -> None:
        """Note an epoch's ``figures`` and keep its ``weights`` if it was the best."""
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
    named = {f"{part}.{i}": a for part, values in arrays.items() for i, a in enumerate(values)}
    np.savez(folder / _ARRAYS, allow_pickle=False, **named)
    (folder / _FIGURES).write_text(json.dumps(state.history))


def load(folder: Path, model: Any, optimizer: Any) -> TrainingState:
    """Put ``model`` and ``optimizer`` where `save` left them and return the state."""
    model.set_weights(_arrays(folder, "weights"))
    for variable, value in zip(optimizer.variables, _arrays(folder, "optimizer"), strict=True):
        variable.assign(value)
    return TrainingState.read(folder)


def best_weights(folder: Path) -> list[Floats]:
    """Return the best weights so far, in the order of ``model.get_weights()``."""
    return _arrays(folder, "best")


def _arrays(folder: Path, part: str) -> list[Floats]:
    with np.load(folder / _ARRAYS, allow_pickle=False) as held:
        count = sum(name.startswith(f"{part}.") for name in held)
        return [held[f"{part}.{i}"] for i in range(count)]
