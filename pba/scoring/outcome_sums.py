"""What the outcomes of a batch add to the aggregates, and to the comparison of the arms."""

from typing import Any

import numpy as np

from pba.evaluation.metrics import in_band
from pba.rollout import Arm
from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.codes import ARMS
from pba.scoring.latency_sums import MINUTE_US
from pba.types import HORIZONS, QUANTILES

__all__ = ["outcome_sums", "pair_results"]

_FIFTY = QUANTILES.index(0.25), QUANTILES.index(0.75)
_NINETY = QUANTILES.index(0.05), QUANTILES.index(0.95)
_KEYS = ("minute_us", "mode", "source", "arm", "steps", "version", "served")


def outcome_sums(forecasts: OpenForecasts, outcomes: OutcomeTable) -> list[dict[str, Any]]:
    """Return the rows of `aggregate_deltas`."""
    row, horizon = outcomes.row, outcomes.horizon
    keys = np.stack(
        [
            forecasts.created_us[row] // MINUTE_US * MINUTE_US,
            forecasts.mode[row],
            forecasts.source[row],
            forecasts.arm[row],
            np.array(HORIZONS)[horizon],
            forecasts.version[row],
            forecasts.served[row],
        ],
        axis=1,
    )
    distinct, group = np.unique(keys, axis=0, return_inverse=True)
    quantiles, actual = forecasts.quantiles_mbps[row, horizon], outcomes.actual_mbps
    error = forecasts.points_mbps[row, horizon] - actual
    values = {
        "scored": np.ones(len(row)),
        "hits": outcomes.hit,
        "over": ~outcomes.hit & (error > 0),
        "under": ~outcomes.hit & (error < 0),
        "covered_50": (quantiles[:, _FIFTY[0]] <= actual) & (actual <= quantiles[:, _FIFTY[1]]),
        "covered_90": (quantiles[:, _NINETY[0]] <= actual) & (actual <= quantiles[:, _NINETY[1]]),
        "confidence": forecasts.confidence[row, horizon],
        "error_mbps": error,
        "absolute_error_mbps": np.abs(error),
    }
    count = len(distinct)
    sums = {
        name: np.bincount(group.ravel(), value.astype(float), minlength=count).tolist()
        for name, value in values.items()
    }
    return [
        dict(zip(_KEYS, key, strict=True))
        | {"served": bool(key[-1])}
        | {name: column[place] for name, column in sums.items()}
        for place, key in enumerate(distinct.tolist())
    ]


def pair_results(forecasts: OpenForecasts, outcomes: OutcomeTable) -> list[dict[str, Any]]:
    """Return the rows of `pair_results`: both arms one step ahead, one of them new."""
    actual = forecasts.actual_mbps[:, 0].copy()
    new = np.zeros(len(actual), dtype=bool)
    first = outcomes.horizon == 0
    actual[outcomes.row[first]] = outcomes.actual_mbps[first]
    new[outcomes.row[first]] = True
    known = np.flatnonzero(~np.isnan(actual))
    hit = np.zeros(len(actual), dtype=bool)
    hit[known] = in_band(forecasts.points_mbps[known, 0], actual[known])
    v1: dict[tuple[int, int], int] = {}
    for row in known[forecasts.arm[known] == ARMS.index(Arm.V1)].tolist():
        v1.setdefault((forecasts.link[row], forecasts.after_us[row]), row)
    rows = []
    for row in known[forecasts.arm[known] == ARMS.index(Arm.V3)].tolist():
        other = v1.get((forecasts.link[row], forecasts.after_us[row]))
        if other is not None and (new[row] or new[other]):
            rows.append(
                {
                    "link": int(forecasts.link[row]),
                    "after_us": int(forecasts.after_us[row]),
                    "created_us": int(max(forecasts.created_us[[row, other]])),
                    "mode": int(forecasts.mode[row]),
                    "v1_hit": bool(hit[other]),
                    "v3_hit": bool(hit[row]),
                }
            )
    return rows
