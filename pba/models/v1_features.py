"""The input of v1, the control arm: the six features of the old predictor, without its network.

Training, evaluation and serving use the same function, so that the features cannot differ.
"""

import numpy as np

from pba.types import Floats

__all__ = ["COLUMNS", "MEASURED", "NAME", "WINDOW", "features"]

NAME = "v1"
"""The name of the model; the other models have the name of their mode."""

WINDOW = 10
"""Samples in a window of v1."""

COLUMNS = ("bandwidth_mbps", "latency_ms", "packet_loss", "jitter_ms", "hour", "weekday")
"""The columns of v1's input, in order."""

MEASURED = 4
"""How many of them, the first, are those of `pba.types.COLUMNS`."""

_DAY_S, _YEAR_S = 86_400.0, 31_536_000.0
_THURSDAY = 3  # 1 January 1970


def features(timestamps_s: Floats, telemetry: Floats) -> Floats:
    """Return v1's features of the samples of one history, or of many windows at once.

    Hours are whole, 0 to 23, and weekdays 0 (Monday) to 6, in UTC. Both are NaN where times count
    from the start of a trace, as in most traces: times within 1970 are treated as such.

    Parameters
    ----------
    timestamps_s
        Unix seconds, shape ``(..., sample)``.
    telemetry
        Physical units, shape ``(..., sample, 5)``, columns as in `pba.types.COLUMNS`, NaN where not
        measured.

    Returns
    -------
    Floats
        float32, shape ``(..., sample, 6)``, columns as in `COLUMNS`. v1 uses the last `WINDOW`.

    Examples
    --------
    >>> monday_noon = 1_772_452_800.0  # 2026-03-02 12:00
    >>> features(np.array([monday_noon]), np.array([[100.0, 20.0, 0.0, np.nan, np.nan]]))
    array([[100.,  20.,   0.,  nan,  12.,   0.]], dtype=float32)
    """
    times = np.asarray(timestamps_s, dtype=np.float64)
    days = times // _DAY_S
    hour, weekday = (times - days * _DAY_S) // 3600.0, (days + _THURSDAY) % 7
    date = np.where((times >= _YEAR_S)[..., None], np.stack([hour, weekday], axis=-1), np.nan)
    return np.concatenate([telemetry[..., :MEASURED], date], axis=-1).astype(np.float32)
