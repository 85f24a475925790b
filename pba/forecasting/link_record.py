"""The record of a link: what the outcomes of its forecasts say about the next ones.

An immutable value: an outcome gives a new record.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self

from pba.errors import PBAError
from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import EXPERTS, INITIAL_WEIGHTS, leader, update_weights
from pba.forecasting.stretch import Stretch
from pba.types import HORIZONS, INTERVALS

__all__ = ["BODY_VERSION", "LinkRecord", "current_body"]

BODY_VERSION = 2
"""The first byte of a packed record; 1 was one without intervals and factors."""

_HORIZONS = len(HORIZONS)
_TARGETS = _HORIZONS + len(INTERVALS)
_WEIGHTS = slice(1, 1 + len(EXPERTS))
_COLUMNS = [
    slice(at, at + _TARGETS) for at in range(_WEIGHTS.stop, _WEIGHTS.stop + 5 * _TARGETS, _TARGETS)
]
_BODY = struct.Struct(f"<B{len(EXPERTS) + 5 * _TARGETS}d2q")
_FIRST_BODY = struct.Struct(f"<B{len(EXPERTS) + 3 * _HORIZONS}d2q")


@dataclass(frozen=True, slots=True)
class LinkRecord:
    """The record of one link; a new link has the empty record.

    Parameters
    ----------
    weights
        The weight of each expert of `pba.forecasting.fixed_share.EXPERTS`.
    reliability
        One per horizon of `pba.types.HORIZONS`, then one per interval of `pba.types.INTERVALS`.
    scored, hits
        How many forecasts one step ahead were scored, and were in band, ever.
    stretch
        How wide the intervals are, one for each of `reliability`.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(INITIAL_WEIGHTS))
    reliability: tuple[Reliability, ...] = (Reliability(),) * _TARGETS
    scored: int = 0
    hits: int = 0
    stretch: tuple[Stretch, ...] = (Stretch(),) * _TARGETS

    @property
    def leader(self) -> str:
        """The expert with the largest weight."""
        return leader(self.weights)

    @property
    def accuracy_20(self) -> float | None:
        """The share of forecasts one step ahead that were in band; None before the first."""
        return self.hits / self.scored if self.scored else None

    def after(
        self,
        target: int,
        confidence: float,
        hit: bool,
        members: Mapping[str, bool],
        missed: tuple[bool, bool] | None = None,
    ) -> Self:
        """Return the record after one outcome.

        Parameters
        ----------
        target
            Index into `reliability`: a horizon, or after those an interval.
        confidence
            The forecast's confidence before it was adapted.
        hit
            Whether the forecast was in band.
        members
            Whether each expert's point was in band; intervals, which the model alone predicts,
            leave the weights as they are.
        missed
            Whether the actual was below and above the 90 % interval, None if the forecast had none.
        """
        reliability, stretch = list(self.reliability), list(self.stretch)
        reliability[target] = reliability[target].after(confidence, hit)
        if missed is not None:
            stretch[target] = stretch[target].after(target, missed)
        first = target == 0
        return type(self)(
            update_weights(self.weights, members) if target < _HORIZONS else self.weights,
            tuple(reliability),
            self.scored + first,
            self.hits + (first and hit),
            tuple(stretch),
        )

    def to_bytes(self) -> bytes:
        """Return the packed form: 289 bytes, without loss.

        A version, the weights in the order of `EXPERTS`, outcomes, hits, expected hits and both
        factors by horizon and interval, scored and hits.
        """
        targets = [(*_sums(one), *_factors(two)) for one, two in self._targets]
        return _BODY.pack(
            BODY_VERSION,
            *(self.weights[name] for name in EXPERTS),
            *(value for column in zip(*targets, strict=True) for value in column),
            self.scored,
            self.hits,
        )

    @classmethod
    def from_bytes(cls, body: bytes | None) -> Self:
        """Return the record that `to_bytes` packed; the empty record for None."""
        if body is None:
            return cls()
        values = _BODY.unpack(current_body(body))
        weights = dict(zip(EXPERTS, values[_WEIGHTS], strict=True))
        columns = [values[column] for column in _COLUMNS]
        reliability = tuple(map(Reliability, *columns[:3]))
        scored, hits = values[-2:]
        return cls(weights, reliability, scored, hits, tuple(map(Stretch, *columns[3:])))

    def to_json(self) -> str:
        """Return the record as text."""
        document = {
            "weights": dict(self.weights),
            "reliability": list(map(_sums, self.reliability)),
            "stretch": list(map(_factors, self.stretch)),
        }
        return json.dumps(document | {"scored": self.scored, "hits": self.hits})

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Return the record that `to_json` wrote; the empty record for None."""
        if text is None:
            return cls()
        document: dict[str, Any] = json.loads(text)
        weights = {name: document["weights"].get(name, INITIAL_WEIGHTS[name]) for name in EXPERTS}
        reliability, stretch = (
            [*document.get(name, []), *[[]] * _TARGETS][:_TARGETS]
            for name in ("reliability", "stretch")
        )
        return cls(
            weights,
            tuple(Reliability(*row) for row in reliability),
            document["scored"],
            document["hits"],
            tuple(Stretch(*row) for row in stretch),
        )

    @property
    def _targets(self) -> Iterator[tuple[Reliability, Stretch]]:
        return zip(self.reliability, self.stretch, strict=True)


def _sums(one: Reliability) -> tuple[float, float, float]:
    return one.outcomes, one.hits, one.expected


def _factors(one: Stretch) -> tuple[float, float]:
    return one.below, one.above


def current_body(body: bytes) -> bytes:
    """Return a packed record in the form of `LinkRecord.to_bytes`.

    The first form had no intervals and no factors.

    Raises
    ------
    PBAError
        If it is none of both.
    """
    if len(body) == _BODY.size and body[0] == BODY_VERSION:
        return body
    if len(body) != _FIRST_BODY.size or body[0] != 1:
        _refuse(body)
    head, sums, tail = 1 + 8 * len(EXPERTS), 8 * _HORIZONS, 8 * (_TARGETS - _HORIZONS)
    parts = [body[at : at + sums] + bytes(tail) for at in range(head, head + 3 * sums, sums)]
    factors = bytes(2 * 8 * _TARGETS)
    return b"".join([bytes([BODY_VERSION]), body[1:head], *parts, factors, body[head + 3 * sums :]])


def _refuse(body: bytes) -> NoReturn:
    raise PBAError(
        f"a packed record is {_BODY.size} bytes that begin with {BODY_VERSION:02x}, or "
        f"{_FIRST_BODY.size} that begin with 01; received {len(body)} that begin with "
        f"{body[:1].hex()}. If a newer release wrote it, update this one."
    )
