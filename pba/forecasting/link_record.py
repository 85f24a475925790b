"""What is known of a link from the outcomes of its forecasts. A value: learning gives a new one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import EXPERTS, INITIAL_WEIGHTS, leader, update_weights
from pba.types import HORIZONS

__all__ = ["LinkRecord"]


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """One link's record; a new link has the empty one.

    Parameters
    ----------
    weights
        Of each of `pba.forecasting.fixed_share.EXPERTS`.
    reliability
        One for each of `pba.types.HORIZONS`.
    scored, hits
        How many forecasts one step ahead were scored, and were in band, ever.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(INITIAL_WEIGHTS))
    reliability: tuple[Reliability, ...] = (Reliability(),) * len(HORIZONS)
    scored: int = 0
    hits: int = 0

    @property
    def leader(self) -> str:
        """Who speaks for the link."""
        return leader(self.weights)

    @property
    def accuracy_20(self) -> float | None:
        """The share of forecasts one step ahead that were in band; None before the first."""
        return self.hits / self.scored if self.scored else None

    def after(self, at: int, confidence: float, hit: bool, members: Mapping[str, bool]) -> Self:
        """Return the record after one outcome.

        Parameters
        ----------
        at
            Which of the horizons.
        confidence
            What the one who spoke gave it, before it was adapted.
        hit
            Whether what was said was in band.
        members
            Whether what each expert would have said was.
        """
        reliability = list(self.reliability)
        reliability[at] = reliability[at].after(confidence, hit)
        first = at == 0
        return type(self)(
            update_weights(self.weights, members),
            tuple(reliability),
            self.scored + first,
            self.hits + (first and hit),
        )

    def to_json(self) -> str:
        """Return the record as text."""
        rows = [[one.outcomes, one.hits, one.expected] for one in self.reliability]
        held = {"weights": dict(self.weights), "reliability": rows}
        return json.dumps(held | {"scored": self.scored, "hits": self.hits})

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Return the record that `to_json` wrote; the empty one from None."""
        if text is None:
            return cls()
        held: dict[str, Any] = json.loads(text)
        weights = {name: held["weights"].get(name, INITIAL_WEIGHTS[name]) for name in EXPERTS}
        reliability = tuple(Reliability(*row) for row in held["reliability"])
        return cls(weights, reliability, held["scored"], held["hits"])
