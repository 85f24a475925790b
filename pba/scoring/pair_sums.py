"""Both arms on the same moments: sums over pairs of forecasts, v1's and v3's after one sample."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pba.evaluation.metrics import in_band
from pba.rollout import Arm
from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.codes import ARMS
from pba.scoring.latency_sums import MINUTE_US

__all__ = ["pair_sums"]

_Ints = NDArray[np.int64]


def pair_sums(
    forecasts: OpenForecasts, outcomes: OutcomeTable, flags_changed_us: int
) -> list[dict[str, Any]]:
    """Return the rows of `pair_deltas` for the pairs that are complete by these outcomes.

    A pair is one forecast of each arm of one link after one sample, both scored one step ahead. Of
    several versions of an arm the first counts.

    Parameters
    ----------
    flags_changed_us
        When the flags were last changed: pairs from before and after are not added up.
    """
    actual_mbps = forecasts.actual_mbps[:, 0].copy()
    new = np.zeros(len(actual_mbps), dtype=bool)
    first = outcomes.horizon == 0
    actual_mbps[outcomes.row[first]] = outcomes.actual_mbps[first]
    new[outcomes.row[first]] = True
    v1, v3 = _pairs(forecasts, ~np.isnan(actual_mbps))
    complete = new[v1] | new[v3]
    v1, v3 = v1[complete], v3[complete]
    created_us = np.maximum(forecasts.created_us[v1], forecasts.created_us[v3])
    from_us = _period(created_us, flags_changed_us)
    values = _values(forecasts, {Arm.V1: v1, Arm.V3: v3}, actual_mbps)
    keys, group = np.unique(
        np.stack([from_us, forecasts.mode[v3]], axis=1), axis=0, return_inverse=True
    )
    sums = {
        name: np.bincount(group.ravel(), column, minlength=len(keys))
        for name, column in values.items()
    }
    return [
        {"from_us": int(start), "mode": int(mode)}
        | {name: float(column[at]) for name, column in sums.items()}
        for at, (start, mode) in enumerate(keys)
    ]


def _pairs(forecasts: OpenForecasts, scored: NDArray[np.bool_]) -> tuple[_Ints, _Ints]:
    """Return the forecasts of v1 and those of v3 that belong together, as two arrays of rows."""
    moment = np.stack([forecasts.link, forecasts.after_us], axis=1)
    _, group = np.unique(moment, axis=0, return_inverse=True)
    rows, groups = [], []
    for arm in (Arm.V1, Arm.V3):
        (of_arm,) = np.nonzero(scored & (forecasts.arm == ARMS.index(arm)))
        unique, place = np.unique(group.ravel()[of_arm], return_index=True)
        rows.append(of_arm[place])
        groups.append(unique)
    _, at_v1, at_v3 = np.intersect1d(groups[0], groups[1], assume_unique=True, return_indices=True)
    return rows[0][at_v1], rows[1][at_v3]


def _period(created_us: _Ints, flags_changed_us: int) -> _Ints:
    """Return the start of the minute, or the change of the flags if it is later."""
    minute_us = created_us // MINUTE_US * MINUTE_US
    since_change = (created_us >= flags_changed_us) & (flags_changed_us > minute_us)
    return np.where(since_change, flags_changed_us, minute_us)


def _values(
    forecasts: OpenForecasts, rows: dict[Arm, _Ints], actual_mbps: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """Return what each pair adds to the sums, by their names."""
    values: dict[str, NDArray[Any]] = {"pairs": np.ones(len(rows[Arm.V1]))}
    for arm, at in rows.items():
        points, actuals = forecasts.points_mbps[at, 0], actual_mbps[at]
        values |= {
            f"{arm}_hits": np.asarray(in_band(points, actuals), dtype=float),
            f"{arm}_absolute_error_mbps": np.abs(points - actuals),
            f"{arm}_error_mbps": points - actuals,
            f"{arm}_took_ms": forecasts.took_ms[at],
        }
    v1_hits, v3_hits = values["v1_hits"], values["v3_hits"]
    values["v3_only"] = v3_hits * (1.0 - v1_hits)
    values["v1_only"] = v1_hits * (1.0 - v3_hits)
    return values
