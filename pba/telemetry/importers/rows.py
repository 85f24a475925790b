"""Samples that a reader takes one by one, and the measurements of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pba.telemetry.measurements import Measurements
from pba.types import COLUMNS

__all__ = ["Row", "measurements_of"]


class Row(NamedTuple):
    """One sample: Unix seconds and the columns of `pba.types.COLUMNS`, NaN where not measured."""

    timestamp_s: float
    bandwidth_mbps: float
    latency_ms: float = np.nan
    packet_loss: float = np.nan
    jitter_ms: float = np.nan
    throughput_mbps: float = np.nan


def measurements_of(name: str, rows: Sequence[Row], local: bool = False) -> Measurements:
    """Return the measurements of a link from its samples."""
    table = np.array(rows, dtype=float).reshape(-1, 1 + len(COLUMNS))
    return Measurements(name, table[:, 0], table[:, 1:], lambda row: f"sample {row + 1}", local)
