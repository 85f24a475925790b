"""The weights of a link's experts: the model and the simple forecasters, by their recent hits.

Prediction with expert advice under the fixed-share rule (Herbster and Warmuth, "Tracking the best
expert", Machine Learning 32, 1998): an expert loses weight when it misses, and a small share of all
weight flows back to the initial weights, so that an expert that was wrong last week can lead today.
"""

from collections.abc import Mapping

import numpy as np

from pba.types import Floats

__all__ = [
    "EXPERTS",
    "INITIAL_WEIGHTS",
    "MODEL",
    "leader",
    "update_weight_rows",
    "update_weights",
]

MODEL = "model"
"""The model of the link's mode, or in hybrid mode both together."""

EXPERTS = (MODEL, "last_value", "ewma", "harmonic_mean")
"""The experts; each has the name of its forecaster."""

# Chosen on val traces, see docs/results/closed-loop.md.
INITIAL_WEIGHTS = {MODEL: 0.85, "last_value": 0.05, "ewma": 0.05, "harmonic_mean": 0.05}
"""The weights of a link without outcomes."""

_KEPT = 0.9048  # exp(-0.1): the factor of a miss
_SHARE = 0.01


def update_weights(weights: Mapping[str, float], hits: Mapping[str, bool]) -> dict[str, float]:
    """Return the weights after one outcome.

    Parameters
    ----------
    weights
        The weight of every expert; they sum to 1.
    hits
        Whether each expert that took part was in band; the others keep their weight.

    Examples
    --------
    >>> weights = INITIAL_WEIGHTS
    >>> for _ in range(40):
    ...     misses = {"model": False, "last_value": False, "harmonic_mean": False}
    ...     weights = update_weights(weights, misses | {"ewma": True})
    >>> leader(weights)
    'ewma'
    """
    reduced = {
        name: weight * (1.0 if hits.get(name, True) else _KEPT) for name, weight in weights.items()
    }
    total = sum(reduced.values())
    return {
        name: (1.0 - _SHARE) * weight / total + _SHARE * INITIAL_WEIGHTS[name]
        for name, weight in reduced.items()
    }


def update_weight_rows(weights: Floats, hits: np.ndarray) -> Floats:
    """Return the weights of many links after one outcome each, as `update_weights`.

    Parameters
    ----------
    weights
        In the order of `EXPERTS`, ``(link, expert)``.
    hits
        Whether each expert was in band, or took no part, ``(link, expert)``.
    """
    reduced = np.where(hits, weights, _KEPT * weights)
    initial = np.array([INITIAL_WEIGHTS[name] for name in EXPERTS])
    total = reduced.sum(axis=1, keepdims=True)
    return np.asarray((1.0 - _SHARE) * reduced / total + _SHARE * initial)


def leader(weights: Mapping[str, float]) -> str:
    """Return the expert with the largest weight; the model in a tie."""
    return max(EXPERTS, key=lambda name: weights[name])
