"""How long forecasts took, as counts in bins of 5 %: sums of minutes add up to those of hours."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pba.scoring.batch import OpenForecasts, OutcomeTable
from pba.types import Floats

__all__ = ["MINUTE_US", "latency_bin", "latency_percentile", "latency_sums"]

MINUTE_US = 60_000_000
"""One minute, microseconds."""

_GROWTH = 1.05
_LEAST_MS, _BINS = 0.05, 320  # up to five minutes


def latency_bin(took_ms: Floats) -> Any:
    """Return the bin of each latency: bin ``n`` ends at ``0.05 ms * 1.05 ** n``, the last never.

    >>> latency_bin(np.array([0.01, 0.05, 0.051, 1e9])).tolist()
    [0, 0, 1, 320]
    """
    ratio = np.maximum(np.asarray(took_ms, dtype=float), _LEAST_MS) / _LEAST_MS
    bins = np.ceil(np.round(np.log(ratio) / np.log(_GROWTH), 9))
    return np.minimum(bins, _BINS).astype(np.int64)


def latency_sums(forecasts: OpenForecasts, outcomes: OutcomeTable) -> list[dict[str, Any]]:
    """Return the rows of `latency_deltas` for the served forecasts whose first step is scored.

    So each served forecast counts once, in the minute in which it was computed.
    """
    rows = outcomes.row[outcomes.target == 0]
    rows = rows[forecasts.served[rows]]
    took_ms = forecasts.took_ms[rows]
    minute_us = forecasts.created_us[rows] // MINUTE_US * MINUTE_US
    key = np.stack([minute_us, forecasts.mode[rows], latency_bin(took_ms)], axis=1)
    keys, group = np.unique(key, axis=0, return_inverse=True)
    counts = np.bincount(group.ravel(), minlength=len(keys))
    sums = np.bincount(group.ravel(), took_ms, minlength=len(keys))
    most = np.zeros(len(keys))
    np.maximum.at(most, group.ravel(), took_ms)
    columns = zip(keys.tolist(), counts.tolist(), sums.tolist(), most.tolist(), strict=True)
    return [
        {
            "minute_us": minute,
            "mode": mode,
            "bin": place,
            "forecasts": count,
            "took_ms": total,
            "most_ms": maximum,
        }
        for (minute, mode, place), count, total, maximum in columns
    ]


def latency_percentile(rows: Sequence[Mapping[str, Any]], percent: float) -> float:
    """Return a percentile (ms) of the forecasts in ``rows``, exact to the width of a bin.

    Within a bin, latencies count as spread evenly between its start and its greatest latency.

    >>> row = {"bin": latency_bin(np.array(2.0)).item(), "forecasts": 10, "most_ms": 2.0}
    >>> round(latency_percentile([row], 95), 2)
    2.0
    >>> other = row | {"forecasts": 30, "most_ms": 1.99}
    >>> latency_percentile([row, other], 50) == latency_percentile([other, row], 50)
    True
    """
    # Rows of one bin, of several modes or minutes, are one: else their order would count.
    bins, at = np.unique([row["bin"] for row in rows], return_inverse=True)
    counts = np.bincount(at, weights=[float(row["forecasts"]) for row in rows])
    most_ms = np.zeros(len(bins))
    np.maximum.at(most_ms, at, [float(row["most_ms"]) for row in rows])
    rank = percent / 100.0 * counts.sum()
    ends = np.cumsum(counts)
    place = min(int(np.searchsorted(ends, rank)), len(ends) - 1)
    start_ms = min(_LEAST_MS * _GROWTH ** float(bins[place] - 1), most_ms[place])
    share = (rank - (ends[place] - counts[place])) / counts[place]
    return float(start_ms + (most_ms[place] - start_ms) * share)
