"""Sequential test of two arms: it may be evaluated after every outcome."""

from math import exp, lgamma, log

__all__ = ["bayes_factor", "verdict"]

_THRESHOLD = 20.0


def bayes_factor(wins: int, losses: int) -> float:
    """Return the Bayes factor of "one arm is better" against "both are equal".

    Only pairs in which exactly one arm is in band count. If the arms are equal, each such pair is a
    fair coin toss, independent of those before. The factor is the likelihood of ``wins`` and
    ``losses`` averaged over all biases of the coin (uniform prior), divided by that of a fair coin:
    ``B(wins + 1, losses + 1) / 2 ** -(wins + losses)`` with the beta function ``B``. Under
    equality it is a martingale that starts at 1, so the probability that it *ever* reaches ``x`` is
    at most ``1 / x`` (Ville, 1939; Robbins, Annals of Mathematical Statistics 41, 1970).

    Parameters
    ----------
    wins, losses
        Pairs in which only the one arm, and only the other, is in band.

    Returns
    -------
    float
        At most about 1e304; larger values are cut off.

    Examples
    --------
    >>> bayes_factor(0, 0)
    1.0
    >>> round(bayes_factor(5, 5), 3), round(bayes_factor(9, 1), 3)
    (0.369, 9.309)
    """
    pairs = wins + losses
    log_beta = lgamma(wins + 1) + lgamma(losses + 1) - lgamma(pairs + 2)
    return exp(min(log_beta + pairs * log(2.0), 700.0))


def verdict(wins: int, losses: int) -> str:
    """Return ``better``, ``worse`` or ``undecided`` for the arm with ``wins``.

    The test decides once `bayes_factor` reaches 20. Of comparisons between equal arms at most 1 in
    20 is ever decided, however often it is evaluated.

    >>> verdict(60, 30), verdict(30, 60), verdict(31, 30)
    ('better', 'worse', 'undecided')
    """
    if bayes_factor(wins, losses) < _THRESHOLD:
        return "undecided"
    return "better" if wins > losses else "worse"
