"""How many windows an epoch draws from each set, so that a whole training keeps to a budget."""

from collections.abc import Sequence

from pba.types import NetworkMode

__all__ = ["BUDGETS", "epoch_quotas"]

BUDGETS = {NetworkMode.INTERNET.value: 8_000_000, NetworkMode.DATACENTER.value: 2_000_000}
"""Mode → the most training windows, over all epochs, of a network and its teachers."""


def epoch_quotas(
    counts: Sequence[int], windows: int, in_a_row: int, most: int | None = None
) -> tuple[int, ...]:
    """Return the windows that an epoch draws from each set, at most ``windows`` together.

    Every set gives the same number, or all its windows if it has fewer: what small sets leave is
    divided among the others, and no large set outweighs one of medium size.

    Parameters
    ----------
    counts
        The windows of each set.
    windows
        Of an epoch.
    in_a_row
        Windows of a stretch: whole stretches are drawn.
    most
        The most windows of a set; None for no limit.

    Examples
    --------
    >>> epoch_quotas([100, 5000, 900_000, 0], 10_000, 8)
    (96, 4952, 4952, 0)
    """
    limits = [min(count, count if most is None else most) for count in counts]
    quotas = [0] * len(limits)
    left, sets = windows, sum(count > 0 for count in limits)
    for index in sorted(range(len(limits)), key=lambda at: limits[at]):
        if limits[index]:
            quota = min(limits[index], left // sets)
            quotas[index] = quota - quota % in_a_row if quota > in_a_row else quota
            left, sets = left - quotas[index], sets - 1
    return tuple(quotas)
