"""The confidence of one link's forecasts, adapted to their outcomes.

A beta-binomial posterior: the mode's calibration counts as 200 outcomes whose share of hits equals
their mean confidence, and the link's own outcomes count as one each, older ones less. The posterior
of the link's mean confidence shifts every confidence by the same amount in log-odds, so that the
order of the forecasts by confidence stays.
"""

from dataclasses import dataclass

__all__ = ["KEPT", "Reliability"]

KEPT = 0.998
"""An outcome counts this many times as much as the one after it."""

# Chosen on val traces by the Brier score, see docs/results/closed-loop.md.
_PRIOR = 200.0
_LEAST = 1e-3
_MOST = 1.0 - _LEAST


@dataclass(frozen=True, slots=True)
class Reliability:
    """The confidence and the hits of past forecasts, at one horizon of one link.

    Parameters
    ----------
    outcomes
        How many outcomes there are; each counts 0.998 times as much as the one after it.
    hits
        How many of them were in band.
    expected
        The sum of their confidences before they were adapted.
    """

    outcomes: float = 0.0
    hits: float = 0.0
    expected: float = 0.0

    def after(self, confidence: float, hit: bool) -> "Reliability":
        """Return the reliability after one more outcome of a forecast of ``confidence``."""
        return Reliability(
            KEPT * self.outcomes + 1.0,
            KEPT * self.hits + hit,
            KEPT * self.expected + confidence,
        )

    def adapt(self, confidence: float) -> float:
        """Return ``confidence`` as this record shifts it.

        Examples
        --------
        >>> Reliability().adapt(0.8)
        0.8
        >>> Reliability(outcomes=200, hits=100, expected=160).adapt(0.8)
        0.65
        """
        if not self.outcomes:
            return confidence
        mean = self.expected / self.outcomes
        posterior = (self.hits + _PRIOR * mean) / (self.outcomes + _PRIOR)
        if posterior == mean:
            return confidence
        odds = _odds(confidence) * _odds(posterior) / _odds(mean)
        return odds / (1.0 + odds)


def _odds(share: float) -> float:
    if share < _LEAST:
        share = _LEAST
    elif share > _MOST:
        share = _MOST
    return share / (1.0 - share)
