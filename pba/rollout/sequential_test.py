"""Is one arm better than the other? A test that may be looked at after every outcome."""

from math import exp, lgamma, log

__all__ = ["bayes_factor", "verdict"]

_DECIDED = 20.0


def bayes_factor(wins: int, losses: int) -> float:
    """Return how much more likely the outcomes are if one arm is better than if neither is.

    Only pairs that tell the arms apart count, those where one was in band and the other was not. If
    neither arm is better, each is a fair coin whatever came before, and this number, the likelihood
    of ``wins`` and ``losses`` under a coin of any bias, all equally likely, over that under a fair
    one, is a martingale that begins at 1. So the chance that it *ever* reaches ``x`` is at most
    ``1 / x`` (Ville, 1939; Robbins, Annals of Mathematical Statistics 41, 1970).

    >>> evidence(0, 0)
    1.0
    >>> evidence(5, 5) < 1 < evidence(9, 1)
    True
    """
    pairs = wins + losses
    mixed = lgamma(wins + 1) + lgamma(losses + 1) - lgamma(pairs + 2)
    return exp(min(mixed + pairs * log(2.0), 700.0))


def verdict(wins: int, losses: int) -> str:
    """Return ``better``, ``worse`` or ``undecided``: of the arm that won ``wins`` times.

    Of comparisons without a difference at most 1 in 20 ever decides, however often one looks.

    >>> verdict(60, 30), verdict(30, 60), verdict(31, 30)
    ('better', 'worse', 'undecided')
    """
    if bayes_factor(wins, losses) < _DECIDED:
        return "undecided"
    return "better" if wins > losses else "worse"
