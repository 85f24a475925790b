"""What every forecaster promises, as checks to run on one; write your own and call it here."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import TypeGuard

import numpy as np

from pba import models
from pba.models.base import Forecaster, Prediction
from pba.models.distribution import decode
from pba.types import COLUMNS, HORIZONS, Floats

__all__ = ["CHECKS", "check_forecaster", "forecasters"]

_PARTS = ("name", "window", "bins", "predict")
_PATH_HIGHEST = np.array([np.inf, 1.0, np.inf])
_SUM = 1e-3


def forecasters() -> list[Forecaster]:
    """Return one of every forecaster in `pba.models` that can be made without arguments.

    >>> [forecaster.name for forecaster in forecasters()]
    ['ewma', 'harmonic_mean', 'last_value', 'mean']
    """
    names = sorted(module.name for module in pkgutil.iter_modules(models.__path__))
    modules = [importlib.import_module(f"{models.__name__}.{name}") for name in names]
    return [
        kind()
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and _can_be_made(kind)
    ]


def check_forecaster(forecaster: Forecaster) -> None:
    """Check that ``forecaster`` keeps every promise of `pba.models.base.Forecaster`.

    A forecaster with an attribute ``scale_free`` that is true also promises that its points grow
    with the bandwidth: a link ten times as fast has points ten times as high.

    Raises
    ------
    AssertionError
        For the first promise that it breaks: which, what was seen, what to do.

    Examples
    --------
    >>> from pba.models.ewma import Ewma
    >>> check_forecaster(Ewma())
    """
    for check in CHECKS:
        check(forecaster)


def shapes_are_as_promised(forecaster: Forecaster) -> None:
    """One row a window, one distribution a horizon, from the fewest samples and from more."""
    for samples in (forecaster.window, forecaster.window + 1, forecaster.window + 30):
        windows = _windows(samples)
        said, batch = forecaster.predict(windows), len(windows)
        _same(forecaster, "probabilities", said.probabilities, (batch, 3, len(forecaster.bins)))
        _same(forecaster, "level_mbps", said.level_mbps, (batch,))
        _same(forecaster, "path", said.path, (batch, 3))


def probabilities_are_probabilities(forecaster: Forecaster) -> None:
    """Every row is finite, nowhere negative, and sums to 1."""
    rows = _said(forecaster).probabilities
    _require(forecaster, np.isfinite(rows).all(), "a probability is not finite", "Mend it")
    lowest, total = rows.min(), rows.sum(axis=-1)
    _require(forecaster, lowest >= 0, f"a probability is {lowest:.3g}, below 0", "Clip it")
    worst = total.flat[np.argmax(np.abs(total - 1.0))]
    wrong = f"a row of probabilities sums to {worst:.6g}, not 1"
    _require(forecaster, abs(worst - 1.0) <= _SUM, wrong, "Divide it by its sum")


def levels_are_positive(forecaster: Forecaster) -> None:
    """Level is finite and above 0, whatever the window."""
    level = _said(forecaster).level_mbps
    good = np.isfinite(level) & (level > 0)
    wrong = f"level_mbps is {level[np.argmin(good)]:.3g}, not a positive number"
    _require(forecaster, good.all(), wrong, "Put a floor under it, such as 1e-9")


def points_and_quantiles_can_be_read(forecaster: Forecaster) -> None:
    """Points and quantiles are finite, confidences are shares, quantiles rise."""
    said = _said(forecaster)
    read = decode(said.probabilities, said.level_mbps, forecaster.bins)
    for part, rates in (("point", read.bandwidth_mbps), ("quantile", read.quantiles_mbps)):
        good = np.isfinite(rates) & (rates >= 0)
        _require(forecaster, good.all(), f"a {part} is no rate", "Look at the level and the bins")
    sure = (read.confidence >= 0) & (read.confidence <= 1)
    _require(forecaster, sure.all(), "a confidence is no share", "Look at the probabilities")
    rising = (np.diff(read.quantiles_mbps, axis=-1) >= 0).all()
    _require(forecaster, rising, "a higher quantile is lower", "Look at the bins")


def the_path_is_measured_or_missing(forecaster: Forecaster) -> None:
    """Latency, loss and jitter are NaN where the window holds none, else within their range."""
    windows = _windows(forecaster.window)
    path = forecaster.predict(windows).path
    measured = ~np.isnan(windows[:, :, 1:4]).all(axis=1)
    invented, lost = ~measured & ~np.isnan(path), measured & np.isnan(path)
    _require(forecaster, not invented.any(), "path has a value never measured", "Leave it NaN")
    _require(forecaster, not lost.any(), "path lacks what the window holds", "Fill it in")
    wrong = measured & ~((path >= 0) & (path <= _PATH_HIGHEST))
    _require(forecaster, not wrong.any(), "path is out of range", "Clip it to 0 and, loss, to 1")


def the_input_is_left_alone(forecaster: Forecaster) -> None:
    """Predicting changes nothing in the windows given."""
    windows = _windows(forecaster.window)
    before = windows.copy()
    forecaster.predict(windows)
    same = np.array_equal(before, windows, equal_nan=True)
    _require(forecaster, same, "predict changed its input", "Copy before writing")


def the_answer_is_repeatable(forecaster: Forecaster) -> None:
    """Give the same windows the same answer."""
    first, second = _said(forecaster), _said(forecaster)
    _close(forecaster, first, second, "the same windows got two answers", "Take a fixed generator")


def a_batch_is_its_windows_one_by_one(forecaster: Forecaster) -> None:
    """No window's answer depends on the others in its batch."""
    windows = _windows(forecaster.window)
    each = [forecaster.predict(window[None]) for window in windows]
    alone = Prediction(
        np.concatenate([said.probabilities for said in each]),
        np.concatenate([said.level_mbps for said in each]),
        np.concatenate([said.path for said in each]),
    )
    together = forecaster.predict(windows)
    _close(forecaster, together, alone, "a batch differs from one by one", "Keep rows apart")


def points_grow_with_the_bandwidth(forecaster: Forecaster) -> None:
    """For a forecaster that calls itself ``scale_free``: points are in proportion."""
    if not getattr(forecaster, "scale_free", False):
        return
    windows = _rates(forecaster.window + 30)
    slow = _points(forecaster, windows)
    for factor in (1e-3, 7.0):
        scaled = windows.copy()
        scaled[:, :, [0, 4]] *= factor
        same = np.allclose(_points(forecaster, scaled), factor * slow, rtol=1e-6, atol=0.0)
        wrong = f"points of links {factor:g} times as fast are not {factor:g} times as high"
        _require(forecaster, same, wrong, "Work on ratios, or do not call it scale_free")


CHECKS: tuple[Callable[[Forecaster], None], ...] = (
    shapes_are_as_promised,
    probabilities_are_probabilities,
    levels_are_positive,
    points_and_quantiles_can_be_read,
    the_path_is_measured_or_missing,
    the_input_is_left_alone,
    the_answer_is_repeatable,
    a_batch_is_its_windows_one_by_one,
    points_grow_with_the_bandwidth,
)
"""Every promise; each is a function that raises AssertionError where it is broken."""


def _can_be_made(kind: type) -> TypeGuard[type[Forecaster]]:
    needed = [
        parameter
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    whole = all(hasattr(kind, part) for part in _PARTS)
    return whole and not needed and not inspect.isabstract(kind)


def _rates(samples: int) -> Floats:
    """Return windows of plain links, everything measured, shape ``(8, samples, 5)``."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0.0, 0.1, (8, samples)), axis=1)
    windows = rng.uniform(0.0, 1.0, (8, samples, len(COLUMNS)))
    windows[:, :, 0] = np.geomspace(0.1, 1e4, 8)[:, None] * np.exp(walk)
    windows[:, :, 4] = 0.9 * windows[:, :, 0]
    return windows


def _windows(samples: int) -> Floats:
    """Return plain links and odd ones, shape ``(16, samples, 5)``."""
    odd = _rates(samples)
    odd[:6, :, 0] = np.array([0.0, 1e-6, 1.0, 123.0, 1e6, 1e7])[:, None]
    odd[6, :, 0] = 100.0
    odd[6, -1, 0] = 1e6
    odd[7, :, 0] = 50.0
    odd[7, samples // 2 : -1, 0] = 0.0
    odd[::2, :, 1:] = np.nan
    odd[1, :-1, 1:4] = np.nan
    return np.concatenate([_rates(samples), odd])


def _said(forecaster: Forecaster) -> Prediction:
    return forecaster.predict(_windows(forecaster.window + 30))


def _points(forecaster: Forecaster, windows: Floats) -> Floats:
    said = forecaster.predict(windows)
    return decode(said.probabilities, said.level_mbps, forecaster.bins).bandwidth_mbps


def _same(forecaster: Forecaster, part: str, found: Floats, shape: tuple[int, ...]) -> None:
    wrong = f"{part} has shape {np.shape(found)}, not {shape}"
    remedy = f"Give one row a window and, of probabilities, {len(HORIZONS)} horizons"
    _require(forecaster, np.shape(found) == shape, wrong, remedy)


def _close(
    forecaster: Forecaster, one: Prediction, other: Prediction, wrong: str, remedy: str
) -> None:
    for part in ("probabilities", "level_mbps", "path"):
        first, second = getattr(one, part), getattr(other, part)
        same = np.allclose(first, second, rtol=1e-4, atol=1e-6, equal_nan=True)
        _require(forecaster, same, f"{wrong} ({part})", remedy)


def _require(forecaster: Forecaster, kept: bool | np.bool_, wrong: str, remedy: str) -> None:
    if not kept:
        raise AssertionError(f"{forecaster.name}: {wrong}. {remedy}.")
