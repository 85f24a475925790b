"""The contract of every forecaster, as checks: run `check_forecaster` on your own."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import TypeGuard

import numpy as np

from pba import models
from pba.models.base import Forecaster, Prediction
from pba.models.distribution import decode
from pba.types import COLUMNS, HORIZONS, INTERVALS, Floats

__all__ = ["CHECKS", "check_forecaster", "forecasters"]

_MEMBERS = ("name", "window", "bins", "predict")
_PATH_HIGHEST = np.array([np.inf, 1.0, np.inf])
_SUM = 1e-3


def forecasters() -> list[Forecaster]:
    """Return an instance of every forecaster in `pba.models` that needs no arguments.

    >>> {"ewma", "last_value"} <= {forecaster.name for forecaster in forecasters()}
    True
    """
    names = sorted(module.name for module in pkgutil.iter_modules(models.__path__))
    modules = [importlib.import_module(f"{models.__name__}.{name}") for name in names]
    return [
        kind()
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if kind.__module__ == module.__name__ and _is_forecaster(kind)
    ]


def check_forecaster(forecaster: Forecaster) -> None:
    """Check ``forecaster`` against the contract of `pba.models.base.Forecaster`.

    A forecaster with a true attribute ``scale_free`` is also checked for points in proportion to
    the bandwidth: a link ten times as fast has points ten times as high.

    Raises
    ------
    AssertionError
        For the first violation; the message names it, the value and the remedy.

    Examples
    --------
    >>> from pba.models.ewma import Ewma
    >>> check_forecaster(Ewma())
    """
    for check in CHECKS:
        check(forecaster)


def outputs_have_the_right_shape(forecaster: Forecaster) -> None:
    """One row per window and one distribution per horizon, for windows of several lengths."""
    for samples in (forecaster.window, forecaster.window + 1, forecaster.window + 30):
        windows = _windows(samples)
        prediction, batch = forecaster.predict(windows), len(windows)
        shape = (batch, len(HORIZONS), len(forecaster.bins))
        _check_shape(forecaster, "probabilities", prediction.probabilities, shape)
        _check_shape(forecaster, "level_mbps", prediction.level_mbps, (batch,))
        _check_shape(forecaster, "path", prediction.path, (batch, 3))
        if prediction.intervals is not None:
            count = min(np.shape(prediction.intervals)[1], len(INTERVALS))
            shape = (batch, count, len(forecaster.bins))
            _check_shape(forecaster, "intervals", prediction.intervals, shape)


def probabilities_are_probabilities(forecaster: Forecaster) -> None:
    """Every row is finite, nowhere negative, and sums to 1."""
    rows = _prediction(forecaster).distributions
    _require(forecaster, np.isfinite(rows).all(), "a probability is not finite", "Fix it")
    lowest, total = rows.min(), rows.sum(axis=-1)
    _require(forecaster, lowest >= 0, f"a probability is {lowest:.3g}, below 0", "Clip it")
    worst = total.flat[np.argmax(np.abs(total - 1.0))]
    wrong = f"a row of probabilities sums to {worst:.6g}, not 1"
    _require(forecaster, abs(worst - 1.0) <= _SUM, wrong, "Divide it by its sum")


def levels_are_positive(forecaster: Forecaster) -> None:
    """Level is finite and above 0 for every window."""
    level = _prediction(forecaster).level_mbps
    valid = np.isfinite(level) & (level > 0)
    wrong = f"level_mbps is {level[np.argmin(valid)]:.3g}, not a positive number"
    _require(forecaster, valid.all(), wrong, "Put a floor under it, such as 1e-9")


def points_and_quantiles_are_valid(forecaster: Forecaster) -> None:
    """Points and quantiles are finite, confidences are shares, quantiles increase."""
    prediction = _prediction(forecaster)
    decoded = decode(prediction.distributions, prediction.level_mbps, forecaster.bins)
    rates = {"point": decoded.bandwidth_mbps, "quantile": decoded.quantiles_mbps}
    for name, values in rates.items():
        valid = np.isfinite(values) & (values >= 0)
        _require(forecaster, valid.all(), f"a {name} is no rate", "Check the level and the bins")
    shares = (decoded.confidence >= 0) & (decoded.confidence <= 1)
    _require(forecaster, shares.all(), "a confidence is no share", "Check the probabilities")
    increasing = (np.diff(decoded.quantiles_mbps, axis=-1) >= 0).all()
    _require(forecaster, increasing, "a higher quantile is lower", "Check the bins")


def the_path_is_measured_or_missing(forecaster: Forecaster) -> None:
    """Latency, loss and jitter are NaN where the window has none, else within their range."""
    windows = _windows(forecaster.window)
    path = forecaster.predict(windows).path
    measured = ~np.isnan(windows[:, :, 1:4]).all(axis=1)
    invented, missing = ~measured & ~np.isnan(path), measured & np.isnan(path)
    _require(forecaster, not invented.any(), "path has a value never measured", "Leave it NaN")
    _require(forecaster, not missing.any(), "path lacks a measured value", "Fill it in")
    wrong = measured & ~((path >= 0) & (path <= _PATH_HIGHEST))
    _require(forecaster, not wrong.any(), "path is out of range", "Clip it to 0 and, loss, to 1")


def the_input_is_not_modified(forecaster: Forecaster) -> None:
    """Predicting does not modify the input."""
    windows = _windows(forecaster.window)
    before = windows.copy()
    forecaster.predict(windows)
    same = np.array_equal(before, windows, equal_nan=True)
    _require(forecaster, same, "predict changed its input", "Copy before writing")


def predictions_are_repeatable(forecaster: Forecaster) -> None:
    """Equal windows have equal predictions."""
    first, second = _prediction(forecaster), _prediction(forecaster)
    wrong = "the same windows got two predictions"
    _check_close(forecaster, first, second, wrong, "Use a fixed generator")


def windows_of_a_batch_are_independent(forecaster: Forecaster) -> None:
    """No window's prediction depends on the others in its batch."""
    windows = _windows(forecaster.window)
    single = Prediction.concatenate([forecaster.predict(window[None]) for window in windows])
    batch = forecaster.predict(windows)
    wrong = "a batch differs from one by one"
    _check_close(forecaster, batch, single, wrong, "Keep the rows independent")


def points_scale_with_the_bandwidth(forecaster: Forecaster) -> None:
    """Points of a ``scale_free`` forecaster are in proportion to the bandwidth."""
    if not getattr(forecaster, "scale_free", False):
        return
    windows = _rates(forecaster.window + 30)
    slow = _points(forecaster, windows)
    for factor in (1e-3, 7.0):
        scaled = windows.copy()
        scaled[:, :, [0, 4]] *= factor
        same = np.allclose(_points(forecaster, scaled), factor * slow, rtol=1e-6, atol=0.0)
        wrong = f"points of links {factor:g} times as fast are not {factor:g} times as high"
        _require(forecaster, same, wrong, "Work on ratios, or do not mark it scale_free")


CHECKS: tuple[Callable[[Forecaster], None], ...] = (
    outputs_have_the_right_shape,
    probabilities_are_probabilities,
    levels_are_positive,
    points_and_quantiles_are_valid,
    the_path_is_measured_or_missing,
    the_input_is_not_modified,
    predictions_are_repeatable,
    windows_of_a_batch_are_independent,
    points_scale_with_the_bandwidth,
)
"""The checks; each is a function that raises AssertionError for a violation."""


def _is_forecaster(kind: type) -> TypeGuard[type[Forecaster]]:
    required = [
        parameter
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    ]
    complete = all(hasattr(kind, member) for member in _MEMBERS)
    return complete and not required and not inspect.isabstract(kind)


def _rates(samples: int) -> Floats:
    """Return windows of usual links with all columns, shape ``(8, samples, 5)``."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0.0, 0.1, (8, samples)), axis=1)
    windows = rng.uniform(0.0, 1.0, (8, samples, len(COLUMNS)))
    windows[:, :, 0] = np.geomspace(0.1, 1e4, 8)[:, None] * np.exp(walk)
    windows[:, :, 4] = 0.9 * windows[:, :, 0]
    return windows


def _windows(samples: int) -> Floats:
    """Return windows of usual and of extreme links, shape ``(16, samples, 5)``."""
    extreme = _rates(samples)
    extreme[:6, :, 0] = np.array([0.0, 1e-6, 1.0, 123.0, 1e6, 1e7])[:, None]
    extreme[6, :, 0] = 100.0
    extreme[6, -1, 0] = 1e6
    extreme[7, :, 0] = 50.0
    extreme[7, samples // 2 : -1, 0] = 0.0
    extreme[::2, :, 1:] = np.nan
    extreme[1, :-1, 1:4] = np.nan
    return np.concatenate([_rates(samples), extreme])


def _prediction(forecaster: Forecaster) -> Prediction:
    return forecaster.predict(_windows(forecaster.window + 30))


def _points(forecaster: Forecaster, windows: Floats) -> Floats:
    prediction = forecaster.predict(windows)
    decoded = decode(prediction.distributions, prediction.level_mbps, forecaster.bins)
    return decoded.bandwidth_mbps


def _check_shape(
    forecaster: Forecaster, field: str, values: Floats, shape: tuple[int, ...]
) -> None:
    wrong = f"{field} has shape {np.shape(values)}, not {shape}"
    remedy = f"Return one row per window and {len(HORIZONS)} horizons of probabilities"
    _require(forecaster, np.shape(values) == shape, wrong, remedy)


def _check_close(
    forecaster: Forecaster, one: Prediction, other: Prediction, wrong: str, remedy: str
) -> None:
    for field in ("distributions", "level_mbps", "path"):
        first, second = getattr(one, field), getattr(other, field)
        close = np.allclose(first, second, rtol=1e-4, atol=1e-6, equal_nan=True)
        _require(forecaster, close, f"{wrong} ({field})", remedy)


def _require(forecaster: Forecaster, holds: bool | np.bool_, wrong: str, remedy: str) -> None:
    if not holds:
        raise AssertionError(f"{forecaster.name}: {wrong}. {remedy}.")
