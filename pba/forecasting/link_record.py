"""The record of a link: what the outcomes of its forecasts say about the next ones.

An immutable value: an outcome gives a new record.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any, NoReturn, Self

from pba.errors import PBAError
from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import EXPERTS, INITIAL_WEIGHTS, leader, update_weights
from pba.types import HORIZONS

__all__ = ["BODY_VERSION", "LinkRecord", "refuse_bodies"]

BODY_VERSION = 1
"""The first byte of a packed record."""

_HORIZONS = len(HORIZONS)
_WEIGHTS = slice(1, 1 + len(EXPERTS))
_SUMS = [
    slice(at, at + _HORIZONS)
    for at in range(_WEIGHTS.stop, _WEIGHTS.stop + 3 * _HORIZONS, _HORIZONS)
]
_BODY = struct.Struct(f"<B{len(EXPERTS) + 3 * _HORIZONS}d2q")


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

    def to_bytes(self) -> bytes:
        """Return the packed form: 121 bytes, without loss.

        A version, the weights in the order of `EXPERTS`, outcomes, hits and expected hits by
        horizon, scored and hits.
        """
        sums = [(one.outcomes, one.hits, one.expected) for one in self.reliability]
        return _BODY.pack(
            BODY_VERSION,
            *(self.weights[name] for name in EXPERTS),
            *(value for column in zip(*sums, strict=True) for value in column),
            self.scored,
            self.hits,
        )

    @classmethod
    def from_bytes(cls, body: bytes | None) -> Self:
        """Return the record that `to_bytes` packed; the empty record for None."""
        if body is None:
            return cls()
        if len(body) != _BODY.size or body[0] != BODY_VERSION:
            refuse_bodies([body])
        values = _BODY.unpack(body)
        weights = dict(zip(EXPERTS, values[_WEIGHTS], strict=True))
        rows = zip(*map(values.__getitem__, _SUMS), strict=True)
        return cls(weights, tuple(starmap(Reliability, rows)), *values[-2:])

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


def refuse_bodies(bodies: Sequence[bytes]) -> NoReturn:
    """Raise the error that says which of ``bodies`` are no packed records.

    Raises
    ------
    PBAError
        Always.
    """
    forms = sorted({(body[:1].hex(), len(body)) for body in bodies})
    raise PBAError(
        f"a packed record is {_BODY.size} bytes that begin with {BODY_VERSION:02x}; received "
        f"(begins with, bytes) {forms}. If a newer release wrote them, update this one."
    )
