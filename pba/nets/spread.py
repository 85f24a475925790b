"""The error distribution of a network that predicts a point alone."""

import numpy as np

from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.nets.targets import soft_targets
from pba.types import Floats

__all__ = ["fit_spread"]


def fit_spread(prediction: Prediction, actual_mbps: Floats, bins: Bins) -> Floats:
    """Return the error distribution of a network with a point output only, ``(horizon, bin)``.

    A histogram of ``log(actual / level)``, smoothed like the training targets, with one additional
    observation spread over all bins. The point is of the next step and is used for every horizon.

    Parameters
    ----------
    prediction
        For windows outside the training data.
    actual_mbps
        Shape ``(batch, horizon)``, NaN where unknown.
    """
    with np.errstate(divide="ignore"):
        log_ratio = np.log(actual_mbps / prediction.level_mbps[:, None])
    rows = []
    for column in log_ratio.T:
        indices = bins.index(column[~np.isnan(column)])
        counts = np.bincount(indices, minlength=len(bins)) + 1.0 / len(bins)
        rows.append(counts @ soft_targets(bins) / counts.sum())
    return np.array(rows)
