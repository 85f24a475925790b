"""The share of forecasts to act on: how many are how accurate, from the most confident ones on."""

from typing import Any

import numpy as np

from pba.types import Floats

__all__ = ["GOALS", "confident_part"]

GOALS = (0.7, 0.85)
"""Shares in band that callers want of the forecasts they act on; the targets of the modes."""

_SHARES = np.linspace(0.05, 1.0, 20)
_LEAST = 100  # forecasts; the accuracy of fewer is noise


def confident_part(confidence: Floats, hits: np.ndarray) -> dict[str, Any]:
    """Return the accuracy of the most confident forecasts, by their share.

    Parameters
    ----------
    confidence, hits
        Of each forecast, at least one, ``(forecast,)``.

    Returns
    -------
    dict[str, Any]
        ``curve``, rows of share, lowest confidence and accuracy; and ``reached``, for each of
        `GOALS` the lowest confidence from which on forecasts are that accurate, and their share:
        None and 0 where no hundred of them are.

    Examples
    --------
    >>> confidence = np.repeat([0.9, 0.6], 100)
    >>> part = confident_part(confidence, np.repeat([True, False], 100))
    >>> part["reached"][1]
    {'accuracy_20': 0.85, 'confidence': 0.9, 'share': 0.5}
    """
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    counts = np.arange(1, len(order) + 1)
    accuracy = np.cumsum(hits[order]) / counts
    # A caller cannot tell forecasts of one confidence apart: a part ends where it changes.
    ends = np.append(np.diff(sorted_confidence) < 0, True)
    reached = []
    for goal in GOALS:
        rows = np.flatnonzero(ends & (accuracy >= goal) & (counts >= min(_LEAST, len(order))))
        last = int(rows[-1]) if rows.size else None
        reached.append(
            {
                "accuracy_20": goal,
                "confidence": None if last is None else float(sorted_confidence[last]),
                "share": 0.0 if last is None else (last + 1) / len(order),
            }
        )
    at = np.maximum(np.ceil(_SHARES * len(order)).astype(int), 1) - 1
    curve = np.stack([_SHARES, sorted_confidence[at], accuracy[at]], axis=1)
    return {"curve": curve.round(4).tolist(), "reached": reached}
