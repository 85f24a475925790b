"""Whether the model is behind any simple rule, over all comparisons at once.

Holm's procedure (Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
Journal of Statistics, 1979): with many comparisons some differ by chance, and of those that it
names the chance that even one is wrong is at most 5 %.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["LEAST_TRACES", "Comparison", "behind_rules", "rejected"]

LEAST_TRACES = 10
"""Sets with fewer traces are left out: their differences say little about the next trace."""

_LEVEL = 0.05

Figures = Mapping[str, Any]


class Comparison(NamedTuple):
    """The accuracy_20 of the model less that of one rule, on one set at one target."""

    set_name: str
    target: str
    rule: str
    difference: float
    p_value: float | None


def behind_rules(sets: Mapping[str, Figures], rules: Sequence[str]) -> dict[str, Any]:
    """Return how many comparisons with ``rules`` there are, and in which the model is behind.

    Parameters
    ----------
    sets
        Set -> its figures, as in `pba.evaluation.mode_evaluation.ModeResult`.

    Returns
    -------
    dict[str, Any]
        ``comparisons``, their number on sets of at least `LEAST_TRACES` traces; ``behind``, those
        of them that Holm's procedure rejects at 5 %; and ``small``, the sets that are left out.
    """
    large = {name: of for name, of in sets.items() if of["traces"] >= LEAST_TRACES}
    comparisons = [
        Comparison(name, target, rule, against["value"], against["p_value"])
        for name, figures in large.items()
        for rule in rules
        for target, against in figures["against"].get(rule, {}).items()
    ]
    tested = [one for one in comparisons if one.p_value is not None]
    worse = rejected([_one_sided(one) for one in tested])
    return {
        "comparisons": len(tested),
        "behind": [one._asdict() for one, is_worse in zip(tested, worse, strict=True) if is_worse],
        "small": [name for name in sets if name not in large],
    }


def rejected(p_values: Sequence[float], level: float = _LEVEL) -> list[bool]:
    """Return which hypotheses Holm's procedure rejects.

    >>> rejected([0.01, 0.04, 0.03, 0.005])
    [True, False, False, True]
    """
    order = np.argsort(p_values, kind="stable")
    limits = level / np.arange(len(order), 0, -1)
    passed = np.logical_and.accumulate(np.asarray(p_values, dtype=float)[order] <= limits)
    result = np.zeros(len(order), dtype=bool)
    result[order] = passed
    return [bool(one) for one in result]


def _one_sided(one: Comparison) -> float:
    """Return the p-value of the model being no worse than the rule."""
    assert one.p_value is not None
    return one.p_value / 2 if one.difference < 0 else 1.0 - one.p_value / 2
