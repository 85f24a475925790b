"""One distribution from several: their mixture, weighted by confidence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pba.models.distribution import Bins
from pba.types import Floats

__all__ = ["MemberDistribution", "confidence_weights", "mixture"]


class MemberDistribution(NamedTuple):
    """One member's ``probabilities (target, bin)`` around ``level_mbps`` for one link.

    The targets are the horizons, and then the intervals that it predicts.
    """

    probabilities: Floats
    level_mbps: float
    bins: Bins


def confidence_weights(confidences: Sequence[float]) -> tuple[float, ...]:
    """Return weights in proportion to the confidences; equal weights if all confidences are 0.

    >>> confidence_weights([0.9, 0.3])
    (0.75, 0.25)
    """
    total = sum(confidences)
    if total <= 0:
        return (1.0 / len(confidences),) * len(confidences)
    return tuple(confidence / total for confidence in confidences)


def mixture(members: Sequence[MemberDistribution], weights: Sequence[float]) -> MemberDistribution:
    """Return the linear pool of ``members``, on the first one's bins and level.

    It has the intervals that all of them predict.

    A linear opinion pool (Stone, 1961): the probability of every event is the weighted mean of the
    members' probabilities. Members have levels of their own, so their probabilities are moved to
    the first one's bins before they are added; within a bin they are uniform in the log-ratio.
    """
    first = members[0]
    pairs = zip(members, weights, strict=True)
    targets = min(len(member.probabilities) for member in members)
    pooled = sum(weight * _on_bins_of(first, member)[:targets] for member, weight in pairs)
    return MemberDistribution(np.asarray(pooled), first.level_mbps, first.bins)


def _on_bins_of(target: MemberDistribution, member: MemberDistribution) -> Floats:
    """Return the probabilities of ``member`` on the bins and level of ``target``."""
    if member.bins is target.bins and member.level_mbps == target.level_mbps:
        return member.probabilities
    edges = target.bins.edges
    shift = np.log(member.level_mbps / target.level_mbps)
    cumulative = np.cumsum(member.probabilities, axis=-1)
    at_edges = np.stack(
        [np.interp(edges, member.bins.edges + shift, row) for row in cumulative], axis=0
    )  # below the first edge: the outage, which stays one; above the last edge: all of it
    moved = np.diff(at_edges, axis=-1, prepend=0.0)
    moved[:, -1] += cumulative[:, -1] - at_edges[:, -1]
    return moved
