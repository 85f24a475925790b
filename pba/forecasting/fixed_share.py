"""Who speaks for a link: the model, or a simple forecaster that has been right more often lately.

Prediction with expert advice under the fixed-share rule (Herbster and Warmuth, "Tracking the best
expert", Machine Learning 32, 1998): every member loses weight where it misses, and a small share of
all weight flows back to where it began, so that who was wrong last week can lead again today.
"""

from collections.abc import Mapping

__all__ = ["EXPERTS", "INITIAL_WEIGHTS", "MODEL", "leader", "update_weights"]

MODEL = "model"
"""The model of the link's mode, or in hybrid mode both together."""

EXPERTS = (MODEL, "last_value", "ewma", "harmonic_mean")
"""The members, each named as its forecaster is."""

# Chosen on val traces, see docs/results/closed-loop.md.
INITIAL_WEIGHTS = {MODEL: 0.85, "last_value": 0.05, "ewma": 0.05, "harmonic_mean": 0.05}
"""The weights of a link of which nothing is known."""

_KEPT = 0.9048  # exp(-0.1): what a miss leaves of a weight
_SHARE = 0.01


def update_weights(weights: Mapping[str, float], hits: Mapping[str, bool]) -> dict[str, float]:
    """Return the weights after one outcome.

    Parameters
    ----------
    weights
        Of every member, summing to 1.
    hits
        Whether each that had spoken was in band; who had not keeps its weight.

    Examples
    --------
    >>> weights = FIRST
    >>> for _ in range(40):
    ...     missed = {"model": False, "last_value": False, "harmonic_mean": False}
    ...     weights = shared(weights, missed | {"ewma": True})
    >>> leader(weights)
    'ewma'
    """
    left = {name: held * (1.0 if hits.get(name, True) else _KEPT) for name, held in weights.items()}
    total = sum(left.values())
    return {
        name: (1.0 - _SHARE) * held / total + _SHARE * INITIAL_WEIGHTS[name]
        for name, held in left.items()
    }


def leader(weights: Mapping[str, float]) -> str:
    """Return who has the most weight; the model where there is a tie."""
    return max(EXPERTS, key=lambda name: weights[name])
