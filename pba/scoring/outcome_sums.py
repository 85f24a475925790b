"""What the outcomes of a batch add to the sums by minute."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.scoring.codes import ARMS, MODES, SOURCES, TARGET_STEPS
from pba.scoring.latency_sums import MINUTE_US
from pba.types import QUANTILES, Floats

__all__ = ["BINS", "bin_of", "outcome_sums", "summands"]

BINS = 10
"""Confidence is counted in bins of a tenth."""

_QUARTILES = QUANTILES.index(0.25), QUANTILES.index(0.75)
_NINETY = QUANTILES.index(0.05), QUANTILES.index(0.95)


def outcome_sums(forecasts: OpenForecasts, outcomes: OutcomeTable) -> list[dict[str, Any]]:
    """Return the rows of `aggregate_deltas`, in the order of their keys.

    The keys are ``minute_us`` in which the forecasts were computed, ``mode``, ``source``, ``arm``,
    ``steps``, ``version`` and ``served``; the sums are those of `minute_aggregates`, with those of
    ten bins of the confidence, and ``newest_us`` is when the newest forecast was computed.
    """
    if not len(outcomes):
        return []
    first, group = _groups(forecasts, outcomes)
    sums = {
        name: np.bincount(group, values, len(first)).tolist()
        for name, values in summands(forecasts, outcomes).items()
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
        **_bin_sums(forecasts, outcomes, group, len(first)),
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


def bin_of(confidence: Floats) -> NDArray[np.int64]:
    """Return the bin of each confidence.

    >>> bin_of(np.array([0.0, 0.0999, 0.1, 0.95, 1.0])).tolist()
    [0, 0, 1, 9, 9]
    """
    return np.minimum(confidence * BINS, BINS - 1).astype(np.int64)


def _bin_sums(
    forecasts: OpenForecasts, outcomes: OutcomeTable, group: NDArray[np.int64], count: int
) -> dict[str, list[Any]]:
    """Return the columns of the sums by bins, of ``count`` groups."""
    confidence = forecasts.confidence[outcomes.row, outcomes.target]
    place = group * BINS + bin_of(confidence)
    size = count * BINS
    kinds = {
        "scored": np.bincount(place, minlength=size),
        "hits": np.bincount(place[outcomes.hit], minlength=size),
        "confidence": np.bincount(place, confidence, size),
    }
    return {
        f"{kind}_{at}": column
        for kind, sums in kinds.items()
        for at, column in enumerate(sums.reshape(count, BINS).T.tolist())
    }


def summands(forecasts: OpenForecasts, outcomes: OutcomeTable) -> dict[str, NDArray[Any]]:
    """Return what each outcome adds to the sums, ``(outcome,)`` each."""
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
