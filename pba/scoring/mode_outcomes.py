"""Outcomes one step ahead of a mode's models, as its drift detector needs them, packed to store."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pba.errors import InvalidInput
from pba.rollout import Arm
from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.codes import ARMS, MODES, SOURCES
from pba.types import QUANTILES, Floats

__all__ = ["ModeOutcomes", "mode_outcomes"]

_VERSION = b"\x01"
_ROW = np.dtype(
    [
        ("created_us", "<i8"),
        ("actual_mbps", "<f4"),
        ("forecast_mbps", "<f4"),
        ("low_mbps", "<f4"),
        ("high_mbps", "<f4"),
        ("confidence", "<f4"),
        ("hit", "?"),
    ]
)
_LOW, _HIGH = QUANTILES.index(0.25), QUANTILES.index(0.75)
_OF_MODELS = [SOURCES.index(name) for name in ("model", "ensemble")]


@dataclass(frozen=True, slots=True, eq=False)
class ModeOutcomes:
    """Outcomes one step ahead of forecasts of one mode's models, ``(outcome,)``.

    Parameters
    ----------
    created_us
        When the forecasts were computed, microseconds by the service's clock.
    actual_mbps, forecast_mbps
        Stored in single precision, as the following ones.
    low_mbps, high_mbps
        The predicted quartiles.
    confidence
        The predicted probability of a hit.
    hit
        Whether the point is in band.
    """

    created_us: NDArray[np.int64]
    actual_mbps: Floats
    forecast_mbps: Floats
    low_mbps: Floats
    high_mbps: Floats
    confidence: Floats
    hit: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of outcomes."""
        return len(self.created_us)

    def to_bytes(self) -> bytes:
        """Return the form in which a batch is stored: 29 bytes an outcome, and one."""
        rows = np.empty(len(self), dtype=_ROW)
        for field in fields(self):
            rows[field.name] = getattr(self, field.name)
        return _VERSION + rows.tobytes()

    @classmethod
    def from_bytes(cls, bodies: Iterable[bytes]) -> Self:
        """Return the outcomes of stored batches, in their order.

        Raises
        ------
        InvalidInput
            For a body that another release has written.
        """
        parts = []
        for body in bodies:
            if body[:1] != _VERSION:
                raise InvalidInput(
                    f"stored outcomes start with {body[:1]!r}, not {_VERSION!r}. Another release "
                    "has written them: run its Monitor, or delete them from mode_outcomes."
                )
            parts.append(body[1:])
        rows = np.frombuffer(b"".join(parts), dtype=_ROW)
        columns = {name: np.array(rows[name]) for name in rows.dtype.names or ()}
        rates: dict[str, Any] = {
            name: values.astype(np.float64) if values.dtype == np.float32 else values
            for name, values in columns.items()
        }
        return cls(**rates)


def mode_outcomes(forecasts: OpenForecasts, outcomes: OutcomeTable) -> dict[int, ModeOutcomes]:
    """Return the outcomes one step ahead of v3's models by the code of their mode.

    They are in the order in which the forecasts were computed. Only forecasts of models count,
    whichever arm serves the link: heuristics predict where a link is new or no model is available,
    which is not drift, and v1 is not retrained.
    """
    rows = outcomes.row
    of_models = np.isin(forecasts.source[rows], _OF_MODELS)
    counts = (outcomes.target == 0) & of_models & (forecasts.arm[rows] == ARMS.index(Arm.V3))
    (chosen,) = np.nonzero(counts)
    chosen = chosen[np.argsort(forecasts.created_us[rows[chosen]], kind="stable")]
    modes = forecasts.mode[rows[chosen]]
    return {
        code: _columns(forecasts, outcomes, chosen[modes == code])
        for code in range(len(MODES))
        if (modes == code).any()
    }


def _columns(
    forecasts: OpenForecasts, outcomes: OutcomeTable, chosen: NDArray[np.int64]
) -> ModeOutcomes:
    rows = outcomes.row[chosen]
    return ModeOutcomes(
        created_us=forecasts.created_us[rows],
        actual_mbps=outcomes.actual_mbps[chosen],
        forecast_mbps=forecasts.points_mbps[rows, 0],
        low_mbps=forecasts.quantiles_mbps[rows, 0, _LOW],
        high_mbps=forecasts.quantiles_mbps[rows, 0, _HIGH],
        confidence=forecasts.confidence[rows, 0],
        hit=outcomes.hit[chosen],
    )
