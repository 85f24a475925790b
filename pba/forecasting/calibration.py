"""How sure to be on one link, after how its forecasts have turned out.

A beta-binomial view: the mode's calibration counts as 200 outcomes that went as said, the link's
own as themselves, the older the less. What they give together for the link's mean confidence says
how far, in log-odds, every confidence moves; so a forecast that was surer than others stays so.
"""

import math
from dataclasses import dataclass

__all__ = ["Reliability"]

# Chosen on val traces by the Brier score, see docs/results/closed-loop.md.
_PRIOR = 200.0
_KEPT = 0.998
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was said and what came of it, at one horizon of one link.

    Parameters
    ----------
    outcomes
        How many there were, the older counting less: each 0.998 of the one after it.
    hits
        How many of them were in band.
    expected
        The sum of the confidences that the models gave them.
    """

    outcomes: float = 0.0
    hits: float = 0.0
    expected: float = 0.0

    def after(self, confidence: float, hit: bool) -> "Reliability":
        """Return the reliability after one more outcome of a forecast of ``confidence``."""
        return Reliability(
            _KEPT * self.outcomes + 1.0,
            _KEPT * self.hits + hit,
            _KEPT * self.expected + confidence,
        )

    def adapt(self, confidence: float) -> float:
        """Return ``confidence`` as the link's record moves it.

        Examples
        --------
        >>> Reliability().adapt(0.8)
        0.8
        >>> Reliability(outcomes=200, hits=100, expected=160).adapt(0.8)
        0.65
        """
        if not self.outcomes:
            return confidence
        said = self.expected / self.outcomes
        found = (self.hits + _PRIOR * said) / (self.outcomes + _PRIOR)
        moved = _log_odds(confidence) + _log_odds(found) - _log_odds(said)
        return confidence if found == said else 1.0 / (1.0 + math.exp(-moved))


def _log_odds(share: float) -> float:
    kept = min(max(share, _LEAST), 1.0 - _LEAST)
    return math.log(kept / (1.0 - kept))
