"""The median of a few numbers."""

from collections.abc import Sequence

__all__ = ["median_of_sorted"]


def median_of_sorted(ordered: Sequence[float]) -> float:
    """Return the median of ``ordered`` values, at least one; `numpy.median` of few takes longer.

    >>> median_of_sorted([1.0, 2.0, 4.0, 9.0])
    3.0
    """
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2
