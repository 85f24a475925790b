"""Series of bandwidths, and the outcomes of last-value forecasts of them."""

import math

import numpy as np

from pba.evaluation.metrics import in_band
from pba.monitoring.drift import Alarm, LinkDriftTable

SECOND = 1_000_000


def noise(seed: int, samples: int, links: int = 1, phi: float = 0.0) -> np.ndarray:
    """Return standard normal AR(1) series with coefficient ``phi``, ``(sample, link)``."""
    values = np.random.default_rng(seed).standard_normal((samples, links))
    for at in range(1, samples):
        values[at] = phi * values[at - 1] + math.sqrt(1.0 - phi**2) * values[at]
    return values


def feed(table: LinkDriftTable, rate_mbps: np.ndarray, first: int = 1) -> list[tuple[int, Alarm]]:
    """Process last-value forecasts of samples one second apart, from ``first`` on, of all links."""
    alarms: list[tuple[int, Alarm]] = []
    rows = np.arange(rate_mbps.shape[1])
    for second in range(first, len(rate_mbps)):
        forecast, actual = rate_mbps[second - 1], rate_mbps[second]
        at_us = np.full(len(rows), second * SECOND)
        alarms += table.advance(rows, at_us, actual, forecast, in_band(forecast, actual))
    return alarms


def new_table(links: int) -> LinkDriftTable:
    return LinkDriftTable.from_bytes([None] * links)
