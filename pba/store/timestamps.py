"""Times in the database: whole microseconds since 1970, UTC."""

import numpy as np

from pba.types import Floats

__all__ = ["to_micros", "to_seconds"]


def to_micros(seconds: float) -> int:
    """Return Unix seconds as whole microseconds.

    >>> to_micros(1.0000004)
    1000000
    """
    return round(seconds * 1e6)


def to_seconds(micros: np.ndarray) -> Floats:
    """Return microseconds as Unix seconds, of the same shape."""
    return np.asarray(micros, dtype=float) / 1e6
