"""What forecasts are scored on: the rate at each horizon, then the mean over each interval."""

from pba.types import HORIZONS, INTERVALS

__all__ = ["POINTS", "TARGETS", "described"]

POINTS = tuple(map(str, HORIZONS))
"""The names of the horizons in figures: their numbers of steps."""

TARGETS = (*POINTS, *(f"mean {steps}" for steps in INTERVALS))
"""The names of horizons and intervals in figures, in the order of the columns of forecasts."""


def described(target: str) -> str:
    """Return what ``target`` is, in words.

    >>> described("1"), described("mean 15")
    ('1 step ahead', 'mean of the next 15 steps')
    """
    if target.startswith("mean "):
        return f"mean of the next {target.removeprefix('mean ')} steps"
    return f"{target} step{'s' * (target != '1')} ahead"
