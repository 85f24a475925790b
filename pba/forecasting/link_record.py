"""The record of a link: what the outcomes of its forecasts say about the next ones.

An immutable value: an outcome gives a new record.
"""

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
    """The record of one link; a new link has the empty record.

    Parameters
    ----------
    weights
        The weight of each expert of `pba.forecasting.fixed_share.EXPERTS`.
    reliability
        One per horizon of `pba.types.HORIZONS`.
    scored, hits
        How many forecasts one step ahead were scored, and were in band, ever.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(INITIAL_WEIGHTS))
    reliability: tuple[Reliability, ...] = (Reliability(),) * len(HORIZONS)
    scored: int = 0
    hits: int = 0

    @property
    def leader(self) -> str:
        """The expert with the largest weight."""
        return leader(self.weights)

    @property
    def accuracy_20(self) -> float | None:
        """The share of forecasts one step ahead that were in band; None before the first."""
        return self.hits / self.scored if self.scored else None

    def after(
        self, horizon: int, confidence: float, hit: bool, members: Mapping[str, bool]
    ) -> Self:
        """Return the record after one outcome.

        Parameters
        ----------
        horizon
            Index into `pba.types.HORIZONS`.
        confidence
            The forecast's confidence before it was adapted.
        hit
            Whether the forecast was in band.
        members
            Whether each expert's point was in band.
        """
        reliability = list(self.reliability)
        reliability[horizon] = reliability[horizon].after(confidence, hit)
        first = horizon == 0
        return type(self)(
            update_weights(self.weights, members),
            tuple(reliability),
            self.scored + first,
            self.hits + (first and hit),
        )

    def to_json(self) -> str:
        """Return the record as text."""
        rows = [[one.outcomes, one.hits, one.expected] for one in self.reliability]
        document = {"weights": dict(self.weights), "reliability": rows}
        return json.dumps(document | {"scored": self.scored, "hits": self.hits})

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Return the record that `to_json` wrote; the empty record for None."""
        if text is None:
            return cls()
        document: dict[str, Any] = json.loads(text)
        weights = {name: document["weights"].get(name, INITIAL_WEIGHTS[name]) for name in EXPERTS}
        reliability = tuple(Reliability(*row) for row in document["reliability"])
        return cls(weights, reliability, document["scored"], document["hits"])
