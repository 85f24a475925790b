"""What the outcomes of a batch add to the sums by minute."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.codes import ARMS, MODES, SOURCES, TARGET_STEPS
from pba.scoring.latency_sums import MINUTE_US
from pba.types import QUANTILES

__all__ = ["outcome_sums"]

_QUARTILES = QUANTILES.index(0.25), QUANTILES.index(0.75)
_NINETY = QUANTILES.index(0.05), QUANTILES.index(0.95)


def outcome_sums(forecasts: OpenForecasts, outcomes: OutcomeTable) -> list[dict[str, Any]]:
    """Return the rows of `aggregate_deltas`, in the order of their keys.

    The keys are ``minute_us`` in which the forecasts were computed, ``mode``, ``source``, ``arm``,
    ``steps``, ``version`` and ``served``; the sums are those of `minute_aggregates`, and
    ``newest_us`` is when the newest of the forecasts was computed.
    """
    if not len(outcomes):
        return []
    first, group = _groups(forecasts, outcomes)
    sums = {
        name: np.bincount(group, values, len(first)).tolist()
        for name, values in _summands(forecasts, outcomes).items()
    }
    newest_us = np.zeros(len(first), dtype=np.int64)
    np.maximum.at(newest_us, group, forecasts.created_us[outcomes.row])
    row = outcomes.row[first]
    columns: dict[str, list[Any]] = {
        "minute_us": (forecasts.created_us[row] // MINUTE_US * MINUTE_US).tolist(),
        "mode": forecasts.mode[row].tolist(),
        "source": forecasts.source[row].tolist(),
        "arm": forecasts.arm[row].tolist(),
        "steps": np.array(TARGET_STEPS)[outcomes.target[first]].tolist(),
        "version": forecasts.version[row].tolist(),
        "served": forecasts.served[row].tolist(),
        **sums,
        "newest_us": newest_us.tolist(),
    }
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def _groups(
    forecasts: OpenForecasts, outcomes: OutcomeTable
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first outcome of each key, and the number of each outcome's key."""
    row = outcomes.row
    number = np.unique(forecasts.created_us[row] // MINUTE_US, return_inverse=True)[1]
    _, version = np.unique(forecasts.version[row], return_inverse=True)
    for part, count in (
        (forecasts.mode[row], len(MODES)),
        (forecasts.source[row], len(SOURCES)),
        (forecasts.arm[row], len(ARMS)),
        (outcomes.target, len(TARGET_STEPS)),
        (version, int(version.max()) + 1),
        (forecasts.served[row], 2),
    ):
        number = number * count + part
    _, first, group = np.unique(number, return_index=True, return_inverse=True)
    return first, group


def _summands(forecasts: OpenForecasts, outcomes: OutcomeTable) -> dict[str, NDArray[Any]]:
    """Return what each outcome adds to the sums."""
    place = outcomes.row, outcomes.target
    error_mbps = forecasts.points_mbps[place] - outcomes.actual_mbps
    quantiles_mbps = forecasts.quantiles_mbps[place]

    def covered(ends: tuple[int, int]) -> NDArray[np.bool_]:
        low, high = quantiles_mbps[:, ends[0]], quantiles_mbps[:, ends[1]]
        return np.asarray((low <= outcomes.actual_mbps) & (outcomes.actual_mbps <= high))

    return {
        "scored": np.ones(len(outcomes)),
        "hits": outcomes.hit,
        "over": ~outcomes.hit & (error_mbps > 0),
        "under": ~outcomes.hit & (error_mbps < 0),
        "covered_50": covered(_QUARTILES),
        "covered_90": covered(_NINETY),
        "confidence": forecasts.confidence[place],
        "error_mbps": error_mbps,
        "absolute_error_mbps": np.abs(error_mbps),
    }
