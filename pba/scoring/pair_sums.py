"""Both arms on the same moments: sums over pairs of forecasts, v1's and v3's after one sample."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pba.rollout import Arm
from pba.scoring.arm_pairs import ArmPairs, new_pairs
from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.latency_sums import MINUTE_US

__all__ = ["link_sums", "pair_sums"]

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
    pairs = new_pairs(forecasts, outcomes)
    from_us = _period(pairs.created_us(forecasts), flags_changed_us)
    mode = forecasts.mode[pairs.v3]
    keys, group = np.unique(np.stack([from_us, mode], axis=1), axis=0, return_inverse=True)
    sums = {
        name: np.bincount(group.ravel(), column, minlength=len(keys))
        for name, column in _values(forecasts, pairs).items()
    }
    return [
        {"from_us": int(start), "mode": int(code)}
        | {name: float(column[at]) for name, column in sums.items()}
        for at, (start, code) in enumerate(keys)
    ]


def link_sums(
    forecasts: OpenForecasts, outcomes: OutcomeTable, flags_changed_us: int
) -> dict[str, list[int]]:
    """Return the columns of `link_pair_sums` for the pairs that are complete by these outcomes.

    Only pairs since the last change of the flags count. The rows are in the order of their keys.
    """
    pairs = new_pairs(forecasts, outcomes)
    since = pairs.created_us(forecasts) >= flags_changed_us
    net = pairs.hits(forecasts, Arm.V3).astype(np.int64) - pairs.hits(forecasts, Arm.V1)
    of_pairs = np.stack([forecasts.link[pairs.v3], forecasts.mode[pairs.v3]], axis=1)[since]
    keys, group = np.unique(of_pairs, axis=0, return_inverse=True)
    sums = np.bincount(group.ravel(), net[since], minlength=len(keys)).astype(np.int64)
    return {
        "link": keys[:, 0].tolist(),
        "mode": keys[:, 1].tolist(),
        "since_us": [flags_changed_us] * len(keys),
        "net": sums.tolist(),
    }


def _period(created_us: _Ints, flags_changed_us: int) -> _Ints:
    """Return the start of the minute, or the change of the flags if it is later."""
    minute_us = created_us // MINUTE_US * MINUTE_US
    since_change = (created_us >= flags_changed_us) & (flags_changed_us > minute_us)
    return np.where(since_change, flags_changed_us, minute_us)


def _values(forecasts: OpenForecasts, pairs: ArmPairs) -> dict[str, NDArray[Any]]:
    """Return what each pair adds to the sums, by their names."""
    values: dict[str, NDArray[Any]] = {"pairs": np.ones(len(pairs.v1))}
    for arm, at, actual_mbps in (
        (Arm.V1, pairs.v1, pairs.v1_actual_mbps),
        (Arm.V3, pairs.v3, pairs.v3_actual_mbps),
    ):
        error_mbps = forecasts.points_mbps[at, 0] - actual_mbps
        values |= {
            f"{arm}_hits": pairs.hits(forecasts, arm).astype(float),
            f"{arm}_absolute_error_mbps": np.abs(error_mbps),
            f"{arm}_error_mbps": error_mbps,
            f"{arm}_took_ms": forecasts.took_ms[at],
        }
    v1_hits, v3_hits = values["v1_hits"], values["v3_hits"]
    values["v3_only"] = v3_hits * (1.0 - v1_hits)
    values["v1_only"] = v1_hits * (1.0 - v3_hits)
    return values
