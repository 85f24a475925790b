"""Training in one process, for `BandwidthPredictorV3.train`; `train` trains on a cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pba.nets.epochs import stretches_per_batch, train_epoch, validate_epoch
from pba.nets.training_recipe import training_recipe
from pba.nets.training_steps import TrainingSteps, adam
from pba.telemetry.datasets import WindowSet
from pba.types.profile import NetworkShape

__all__ = ["FitResult", "fit"]

_PATIENCE = 10
_IN_A_ROW = 4


@dataclass(frozen=True, slots=True, eq=False)
class FitResult:
    """A trained network, and per epoch ``loss``, ``val_loss`` and ``val_mae`` (Mbps)."""

    model: Any
    history: dict[str, list[float]]


def fit(
    profile: NetworkShape,
    train: WindowSet,
    val: WindowSet,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> FitResult:
    """Return a network trained on ``train``, with the weights of the best epoch on ``val``.

    Stops after 10 epochs without a better ``val_loss``.

    Parameters
    ----------
    on_epoch
        Called with the number of epochs done and the last one's figures.
    """
    recipe = training_recipe(profile, train)
    seed = int(rng.integers(2**31))
    learner = recipe.build(seed, _IN_A_ROW)
    model = recipe.build(seed, 1)
    stretches = len(train.draw_stretches(rng, _IN_A_ROW))
    batches = -(-stretches // stretches_per_batch(batch_size, _IN_A_ROW, 1))
    steps = TrainingSteps(learner, model, adam(profile.learning_rate, epochs * batches), recipe)
    history: dict[str, list[float]] = {"loss": [], "val_loss": [], "val_mae": []}
    best = model.get_weights()
    for epoch in range(epochs):
        loss = train_epoch(steps, train, train.draw_stretches(rng, _IN_A_ROW), batch_size, rng)
        figures = {"loss": loss, **validate_epoch(steps, val, np.arange(len(val)))}
        for name in history:
            history[name].append(figures[name])
        if on_epoch is not None:
            on_epoch(epoch + 1, figures)
        if figures["val_loss"] == min(history["val_loss"]):
            best = model.get_weights()
        if epoch - int(np.argmin(history["val_loss"])) >= _PATIENCE:
            break
    model.set_weights(best)
    return FitResult(model, history)
