"""The records of many links as arrays, and their stored form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pba.types import Floats

__all__ = ["RecordTable"]


@dataclass(frozen=True, slots=True, eq=False)
class RecordTable:
    """Link records, a row each; fields as in `pba.forecasting.link_record.LinkRecord`.

    Parameters
    ----------
    weights
        In the order of `pba.forecasting.fixed_share.EXPERTS`, ``(link, expert)``.
    outcomes, hits, expected
        `pba.forecasting.calibration.Reliability`, ``(link, horizon)``.
    scored, scored_hits
        Forecasts one step ahead, ``(link,)``.
    """

    weights: Floats
    outcomes: Floats
    hits: Floats
    expected: Floats
    scored: NDArray[np.int64]
    scored_hits: NDArray[np.int64]
