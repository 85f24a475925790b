"""Both arms on the same moments: forecasts of v1 and v3 of one link after one sample."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pba.evaluation.metrics import in_band
from pba.rollout import Arm
from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.codes import ARMS, SOURCES
from pba.types import Floats

__all__ = ["ArmPairs", "new_pairs", "pair_results"]

_Ints = NDArray[np.int64]

_HEURISTIC = SOURCES.index("heuristic")
_CODES = ARMS.index(Arm.V1), ARMS.index(Arm.V3)


@dataclass(frozen=True, slots=True, eq=False)
class ArmPairs:
    """Pairs of forecasts that are both scored one step ahead, ``(pair,)``.

    Parameters
    ----------
    v1, v3
        The forecasts: indices into `OpenForecasts`.
    v1_actual_mbps, v3_actual_mbps
        What was measured one step ahead; it differs if a sample came between their scorings.
    """

    v1: _Ints
    v3: _Ints
    v1_actual_mbps: Floats
    v3_actual_mbps: Floats

    def created_us(self, forecasts: OpenForecasts) -> _Ints:
        """Return when the later forecast of each pair was computed."""
        return np.maximum(forecasts.created_us[self.v1], forecasts.created_us[self.v3])

    def hits(self, forecasts: OpenForecasts, arm: Arm) -> NDArray[np.bool_]:
        """Return which forecasts of ``arm`` are in band."""
        if arm is Arm.V1:
            return in_band(forecasts.points_mbps[self.v1, 0], self.v1_actual_mbps)
        return in_band(forecasts.points_mbps[self.v3, 0], self.v3_actual_mbps)


def new_pairs(forecasts: OpenForecasts, outcomes: OutcomeTable) -> ArmPairs:
    """Return the pairs that are complete by these outcomes, in the forecasts' order.

    Of several versions of an arm the first counts. A heuristic does not: it is a response in the
    place of an arm whose model is absent or has too little history.
    """
    actual_mbps = forecasts.actual_mbps[:, 0].copy()
    new = np.zeros(len(actual_mbps), dtype=bool)
    first = outcomes.target == 0
    actual_mbps[outcomes.row[first]] = outcomes.actual_mbps[first]
    new[outcomes.row[first]] = True
    scored = np.flatnonzero(~np.isnan(actual_mbps) & (forecasts.source != _HEURISTIC))
    moment = np.cumsum(
        (np.diff(forecasts.link, prepend=-1) != 0) | (np.diff(forecasts.after_us, prepend=-1) != 0)
    )
    v1, v3 = (_first_of_moments(scored[forecasts.arm[scored] == arm], moment) for arm in _CODES)
    _, at_v1, at_v3 = np.intersect1d(
        moment[v1], moment[v3], assume_unique=True, return_indices=True
    )
    v1, v3 = v1[at_v1], v3[at_v3]
    complete = new[v1] | new[v3]
    v1, v3 = v1[complete], v3[complete]
    return ArmPairs(v1, v3, actual_mbps[v1], actual_mbps[v3])


def _first_of_moments(rows: _Ints, moment: _Ints) -> _Ints:
    """Return the first of ``rows`` at each moment."""
    return np.asarray(rows[np.diff(moment[rows], prepend=-1) != 0])


def pair_results(forecasts: OpenForecasts, outcomes: OutcomeTable) -> list[dict[str, Any]]:
    """Return the rows of the table `pair_results` for the pairs that these outcomes complete.

    A pair has the mode of v3, and was created when the later of its forecasts was.
    """
    pairs = new_pairs(forecasts, outcomes)
    columns: dict[str, NDArray[Any]] = {
        "link": forecasts.link[pairs.v3],
        "after_us": forecasts.after_us[pairs.v3],
        "created_us": pairs.created_us(forecasts),
        "mode": forecasts.mode[pairs.v3],
        "v1_hit": pairs.hits(forecasts, Arm.V1),
        "v3_hit": pairs.hits(forecasts, Arm.V3),
    }
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]
