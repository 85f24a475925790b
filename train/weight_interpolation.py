"""How far to move from the champion's weights to the trained ones without forgetting old sets.

Weights on the line between a network's and those it was fine-tuned to forget less than the
fine-tuned ones and keep much of the gain (Wortsman et al., "Robust fine-tuning of zero-shot
models", 2022).
"""

from collections.abc import Callable, Mapping, Sequence

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.nets.training_recipe import training_recipe
from pba.types import Floats

from . import gate
from .checkpoint import TrainingState
from .keras_forecaster import KerasForecaster
from .ray_trainer import TrainingRun

__all__ = ["interpolate", "largest_share", "largest_safe_share"]

_STEPS = 8


def largest_safe_share(
    run: TrainingRun,
    state: TrainingState,
    old: Mapping[str, EvaluationPoints],
    tolerance: float,
) -> float:
    """Return how far from ``run.initial_weights`` to ``state.best`` no set of ``old`` is forgotten.

    Parameters
    ----------
    old
        Set → points of the part that tunes, as `judging.points_by_set` returns them; empty if
        nothing can be forgotten.
    tolerance
        The loss of accuracy_20 one step ahead that is allowed on each of them, by chance or not: on
        a small set the two cannot be told apart, and a smaller share costs little.
    """
    recipe = training_recipe(run.plan.profile, run.splits.train, run.plan.columns_seen)
    network = KerasForecaster(recipe.build(0, 1), recipe.bins)
    network.model.set_weights(run.initial_weights)
    champion = gate.forecast_sets(network, old)

    def forgets(share: float) -> bool:
        network.model.set_weights(interpolate(run.initial_weights, state.best, share))
        comparisons = gate.compare_old_sets(champion, gate.forecast_sets(network, old), old)
        return any(figures["gained"]["value"] < -tolerance for figures in comparisons.values())

    return largest_share(forgets)


def interpolate(start: Sequence[Floats], end: Sequence[Floats], share: float) -> list[Floats]:
    """Return the weights at ``share`` of the way from ``start`` to ``end``."""
    return [a + share * (b - a) for a, b in zip(start, end, strict=True)]


def largest_share(forgets: Callable[[float], bool]) -> float:
    """Return the largest share, in eighths, at which nothing is forgotten; at least one eighth.

    Tries the whole way first, then bisects, which assumes that what is forgotten at some share is
    forgotten at every larger one.

    Parameters
    ----------
    forgets
        Whether something is forgotten at a share of the way.

    Examples
    --------
    >>> largest_share(lambda share: share > 0.4)
    0.375
    """
    if not forgets(1.0):
        return 1.0
    safe, too_far = 0, _STEPS
    while too_far - safe > 1:
        middle = (safe + too_far) // 2
        if forgets(middle / _STEPS):
            too_far = middle
        else:
            safe = middle
    return max(safe, 1) / _STEPS
