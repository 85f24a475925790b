"""Calibration of a trained network: an exponent a horizon and interval, from validation data.

The density (mass over width of each bin) is raised to a power and normalised, which is
temperature scaling (Guo et al., "On calibration of modern neural networks", ICML 2017) for bins of
unequal width. The power depends on the restlessness of the window: a network that is too sure on
steady links may be too cautious on restless ones. It minimises the negative log-likelihood, a
proper score of the whole distribution, so that quantiles are calibrated like the confidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from pba.models.base import Prediction
from pba.models.distribution import Bins
from pba.types import Floats

__all__ = ["Sharpness", "fit_sharpness"]

_KNOT_SHARES = (0.05, 0.35, 0.65, 0.95)  # of validation windows that are less restless
_APART = 0.1  # knots that lie closer are one
_MOST = np.log(2.0)  # of the absolute logarithm of a power
_USUAL = 0.2  # the standard deviation of that logarithm around its mean, by prior belief
_FIRST_STEP, _LAST_STEP = 0.2, 0.01
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Sharpness:
    """The power of each target at some values of restlessness; linear in its logarithm between.

    Parameters
    ----------
    knots
        Increasing values of `pba.nets.restlessness`, at least one; with one, powers are constant.
    powers
        Of each horizon, then of each interval, at each knot: ``(target, knot)``.
    """

    knots: tuple[float, ...]
    powers: tuple[tuple[float, ...], ...]

    @classmethod
    def constant(cls, powers: Sequence[float]) -> Self:
        """Return one power for each target, whatever the restlessness."""
        return cls((0.0,), tuple((power,) for power in powers))

    @classmethod
    def from_card(cls, entry: Any) -> Self:
        """Return what `as_card` wrote; cards of the first networks list one power a target."""
        if isinstance(entry, dict):
            return cls(tuple(entry["restlessness"]), tuple(map(tuple, entry["powers"])))
        return cls.constant(entry)

    def as_card(self) -> dict[str, Any]:
        """Return the entry of a card, JSON."""
        return {"restlessness": list(self.knots), "powers": [list(row) for row in self.powers]}

    def part(self, targets: slice) -> Self:
        """Return that of some of the targets."""
        return type(self)(self.knots, self.powers[targets])

    def at(self, restlessness: Floats) -> Floats:
        """Return the power of each target, ``(batch, target)``."""
        logs = [np.interp(restlessness, self.knots, np.log(row)) for row in self.powers]
        return np.asarray(np.exp(np.stack(logs, axis=1)))

    @property
    def ramps(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the same as sums of ramps, which graphs compute.

        The logarithm of the power is ``first + slopes @ clip(restlessness - starts, 0, lengths)``:
        starts and lengths ``(knot - 1,)``, first ``(target,)``, slopes ``(target, knot - 1)``.
        """
        knots, logs = np.array(self.knots), np.log(np.array(self.powers))
        lengths = np.diff(knots)
        return knots[:-1], lengths, logs[:, 0], np.diff(logs, axis=1) / lengths


def fit_sharpness(
    prediction: Prediction,
    actual_mbps: Floats,
    mean_mbps: Floats,
    restlessness: Floats,
    bins: Bins,
) -> Sharpness:
    """Return the powers of each horizon, then of each interval; 1 for one without actuals.

    Parameters
    ----------
    prediction
        For windows outside the training data.
    actual_mbps
        Shape ``(batch, horizon)``, NaN where unknown.
    mean_mbps
        The same of the intervals, at least those of ``prediction``.
    restlessness
        Of each window, ``(batch,)``.
    """
    actuals = np.concatenate([actual_mbps, mean_mbps], axis=1)
    knots = _knots(restlessness)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(actuals / prediction.level_mbps[:, None])
    rows = []
    for mass, actual in zip(prediction.distributions.swapaxes(0, 1), log_ratio.T, strict=False):
        known = ~np.isnan(actual)
        density = _log_density(mass[known], bins)
        at = bins.index(actual[known])
        rows.append(_fit(density, at, _hats(restlessness[known], knots), bins))
    return Sharpness(knots, tuple(rows))


def _knots(restlessness: Floats) -> tuple[float, ...]:
    knots: list[float] = []
    for value in np.quantile(restlessness, _KNOT_SHARES).tolist() if len(restlessness) else [0.0]:
        if not knots or value >= knots[-1] + _APART:
            knots.append(round(value, 3))
    return tuple(knots)


def _hats(restlessness: Floats, knots: Sequence[float]) -> Floats:
    """Return how much each window counts at each knot, ``(batch, knot)``."""
    each = np.eye(len(knots))
    return np.stack([np.interp(restlessness, knots, row) for row in each], axis=1)


def _log_density(mass: Floats, bins: Bins) -> Floats:
    return np.asarray(np.log(np.maximum(mass, _TINY)) - np.log(bins.widths))


def _fit(density: Floats, at: np.ndarray, hats: Floats, bins: Bins) -> tuple[float, ...]:
    """Return the powers at the knots, by a search along one after the other."""
    count = int(hats.shape[1])
    if not len(at):
        return (1.0,) * count
    rows, widths = np.arange(len(at)), np.log(bins.widths)

    def loss(logs: Floats) -> float:
        powered = np.exp(hats @ logs)[:, None] * density
        highest = (powered + widths).max(axis=1)
        total = np.log(np.exp(powered + widths - highest[:, None]).sum(axis=1)) + highest
        likelihood = powered[rows, at] - total
        prior = ((logs - logs.mean()) ** 2).sum() / (2.0 * _USUAL**2)
        return float(prior - likelihood.sum()) / len(at)

    powers = np.exp(_descend(loss, np.zeros(count)))
    return tuple([round(float(power), 4) for power in powers])


def _descend(loss: Callable[[Floats], float], start: Floats) -> Floats:
    """Return a minimum of ``loss`` near ``start``, by steps along each axis that get smaller."""
    best, value, step = start, loss(start), _FIRST_STEP
    while step >= _LAST_STEP:
        moved = False
        for move in [*np.eye(len(start)), *-np.eye(len(start))]:
            other = np.clip(best + step * move, -_MOST, _MOST)
            if (lower := loss(other)) < value - 1e-9:
                best, value, moved = other, lower, True
        step = step if moved else step / 2.0
    return best
