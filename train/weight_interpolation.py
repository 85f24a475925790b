"""How far to go from the champion towards what was learnt: as far as nothing old is forgotten.

What lies on the line between the weights of a network and those that it was trained on to forgets
less than its end and keeps much of what was gained (Wortsman et al., "Robust fine-tuning of
zero-shot models", 2022).
"""

from collections.abc import Callable, Mapping, Sequence

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.nets.training_recipe import training_recipe
from pba.types import Floats

from . import gate
from .checkpoint import TrainingState
from .job import Run
from .keras_forecaster import KerasForecaster

__all__ = ["between", "furthest", "share_kept"]

_STEPS = 8


def share_kept(
    run: Run, state: TrainingState, old: Mapping[str, EvaluationPoints], most: float
) -> float:
    """Return how much of the way from ``run.first`` to ``state.best`` forgets nothing of ``old``.

    Parameters
    ----------
    old
        Set → moments, as `train.gate.judge` takes them; empty where nothing can be forgotten.
    most
        Of accuracy_20 one step ahead, what may be lost on any of them, by chance or not: on a small
        set nobody can tell, and to go less far costs little.
    """
    recipe = training_recipe(run.plan.profile, run.splits.train, run.plan.columns_seen)
    network = KerasForecaster(recipe.build(0, 1), recipe.bins)
    network.model.set_weights(run.first)
    champion = gate.answers(network, old)

    def forgets(share: float) -> bool:
        network.model.set_weights(between(run.first, state.best, share))
        figures = gate.kept(champion, gate.answers(network, old), old)
        return any(one["gained"]["value"] < -most for one in figures.values())

    return furthest(forgets)


def between(first: Sequence[Floats], last: Sequence[Floats], share: float) -> list[Floats]:
    """Return the weights at ``share`` of the way from ``first`` to ``last``."""
    return [a + share * (b - a) for a, b in zip(first, last, strict=True)]


def furthest(forgets: Callable[[float], bool]) -> float:
    """Return how much of the way to go: all, or the most eighths at which nothing is forgotten.

    At least one eighth. Looks at the end, then halves the way, and so takes it that what is
    forgotten at some share is at every larger one.

    Parameters
    ----------
    forgets
        Whether something is forgotten at a share of the way.

    Examples
    --------
    >>> furthest(lambda share: share > 0.4)
    0.375
    """
    if not forgets(1.0):
        return 1.0
    sound, too_far = 0, _STEPS
    while too_far - sound > 1:
        middle = (sound + too_far) // 2
        if forgets(middle / _STEPS):
            too_far = middle
        else:
            sound = middle
    return max(sound, 1) / _STEPS
