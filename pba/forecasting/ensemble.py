"""One distribution from several: the mixture, weighted by how sure each member is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pba.models.distribution import Bins
from pba.types import Floats

__all__ = ["MemberDistribution", "confidence_weights", "mixture"]


class MemberDistribution(NamedTuple):
    """What one member says of one link: ``probabilities (horizon, bin)`` about ``level_mbps``."""

    probabilities: Floats
    level_mbps: float
    bins: Bins


def confidence_weights(confidences: Sequence[float]) -> tuple[float, ...]:
    """Return weights in proportion to the confidences; equal ones where nobody is sure.

    >>> confidence_weights([0.9, 0.3])
    (0.75, 0.25)
    """
    total = sum(confidences)
    if total <= 0:
        return (1.0 / len(confidences),) * len(confidences)
    return tuple(confidence / total for confidence in confidences)


def mixture(voices: Sequence[MemberDistribution], weights: Sequence[float]) -> MemberDistribution:
    """Return the linear pool of ``voices`` on the first one's bins and level.

    A linear opinion pool (Stone, 1961): the probability of every event is the weighted mean of the
    members' probabilities. Members keep their own level, so their bins are moved before they are
    added; within a bin the mass is uniform in the log-ratio.
    """
    first = voices[0]
    pooled = sum(
        weight * _moved(voice, first) for voice, weight in zip(voices, weights, strict=True)
    )
    return MemberDistribution(np.asarray(pooled), first.level_mbps, first.bins)


def _moved(voice: MemberDistribution, onto: MemberDistribution) -> Floats:
    """Return ``voice``'s probabilities on the bins and level of ``onto``."""
    if voice.bins is onto.bins and voice.level_mbps == onto.level_mbps:
        return voice.probabilities
    edges = onto.bins.edges
    shift = np.log(voice.level_mbps / onto.level_mbps)
    below = np.cumsum(voice.probabilities, axis=-1)
    at_edges = np.stack(
        [np.interp(edges, voice.bins.edges + shift, row) for row in below], axis=0
    )  # below the first edge: the outage, which stays one; above the last: everything
    moved = np.diff(at_edges, axis=-1, prepend=0.0)
    moved[:, -1] += below[:, -1] - at_edges[:, -1]
    return moved
