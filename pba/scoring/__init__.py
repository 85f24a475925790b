"""Scoring: stored forecasts are compared with the samples measured afterwards.

Pure functions and values, many links at once: arrays in, arrays out. Reading and writing them is
`pba.store`'s, and when to score is decided by `pba.monitoring`.
"""

from pba.scoring.batch import BatchSettlement, DueBatch
from pba.scoring.batch_settlement import settle_batch

__all__ = ["BatchSettlement", "DueBatch", "settle_batch"]
