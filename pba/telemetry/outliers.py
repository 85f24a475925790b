"""Isolated values that the samples around them contradict: counter resets, failed pings.

A counter that is reset gives one absurd rate, a ping that fails is logged as ten minutes. Such
values are stored as they came; before a model, a rule or a mode sees them, they are replaced. The
newest sample cannot be told from the first of a new level yet, so its bandwidth stays.
"""

from dataclasses import dataclass

import numpy as np

from pba.types import COLUMNS, Floats

__all__ = ["CleanWindow", "clean_window", "clean_windows", "isolated_rates", "newest_is_unlike"]

_FACTOR = 3.0  # a rate outside a third to three times of those around it
_AROUND = 30
_LEAST_AROUND = 5
_USUAL = 2  # if more of the samples before were isolated, they are how this link behaves
_LEAST_MBPS = 0.01
_VARIES = 2.0  # times from the lowest to the highest rate: lows of such links go on more often

_OPTIONAL = [COLUMNS.index(name) for name in ("latency_ms", "jitter_ms", "throughput_mbps")]
_OPTIONAL_FACTOR = 10.0  # queues alone make a time several times as long
_LEAST_OPTIONAL = np.array([1.0, 1.0, 1.0])  # ms, ms, Mbps
_LEAST_MEASURED = 3


@dataclass(frozen=True, slots=True, eq=False)
class CleanWindow:
    """A window after its outliers are replaced.

    Parameters
    ----------
    telemetry
        Shape ``(sample, 5)``.
    replaced
        Whether any value was.
    newest_unlike
        Whether the newest bandwidth is outside a third to three times of the 30 samples before: the
        first sample of a new level, or an outlier.
    """

    telemetry: Floats
    replaced: bool
    newest_unlike: bool

    @property
    def without_newest(self) -> Floats:
        """The window as if the newest bandwidth were that of the sample before."""
        telemetry = self.telemetry.copy()
        telemetry[-1, 0] = telemetry[-2, 0]
        return telemetry


def clean_window(telemetry: Floats) -> CleanWindow:
    """Return ``telemetry (sample, 5)``, of at least two samples, without its outliers.

    An outlier's bandwidth becomes the mean of the sample before and the sample after. A low that
    only the newest sample contradicts stays if the rates before it vary by more than a factor of
    two: on such links of the val traces, forecasts that do not see it are worse. Latency,
    jitter and throughput over ten times of what was measured around them become missing, the newest
    too: only one step passes until the next tells.

    Examples
    --------
    >>> window = np.full((12, 5), 80.0)
    >>> window[6, 0] = 4349.0
    >>> cleaned = clean_window(window)
    >>> float(cleaned.telemetry[6, 0]), cleaned.replaced, cleaned.newest_unlike
    (80.0, True, False)
    """
    isolated = isolated_rates(telemetry[:, 0])
    rates = [index for index in isolated if not _is_recent_low(telemetry[:, 0], index, isolated)]
    wrong = _optional_outliers(telemetry)
    unlike = newest_is_unlike(telemetry[:, 0], isolated)
    if not rates and not wrong:
        return CleanWindow(telemetry, False, unlike)
    cleaned = telemetry.copy()
    for index in rates:
        around = [telemetry[at, 0] for at in (index - 1, index + 1) if at >= 0]
        cleaned[index, 0] = sum(around) / len(around)
    for index, column in wrong:
        cleaned[index, column] = np.nan
    return CleanWindow(cleaned, True, unlike)


def clean_windows(windows: Floats) -> Floats:
    """Return ``windows (window, sample, 5)`` without their outliers, as `clean_window`."""
    rates = windows[:, :, 0]
    suspects = _odd_rates(rates).any(axis=1)
    for column, least in zip(_OPTIONAL, _LEAST_OPTIONAL, strict=True):
        measured = np.sort(windows[:, :, column], axis=1)
        suspects |= _highest_is_odd(measured, least)
    rows = np.flatnonzero(suspects)
    if not rows.size:
        return windows
    cleaned = windows.copy()
    for row in rows:
        cleaned[row] = clean_window(windows[row]).telemetry
    return cleaned


def isolated_rates(rate_mbps: Floats) -> list[int]:
    """Return the indices of isolated outliers in ``rate_mbps (sample,)``, oldest first.

    An isolated rate is outside a third to three times of each of the 30 samples before it and of
    the sample after it. Isolated ones before it do not count, but if there are more than two of
    these, the link behaves so. Of the first five samples in a window, which have too few before
    them, those after them are used too. The last sample has none after it and is never isolated.

    >>> isolated_rates(np.array([80.0] * 10 + [4349.0] + [80.0] * 5 + [300.0, 310.0]))
    [10]
    """
    isolated: list[int] = []
    for index in np.flatnonzero(_odd_rates(rate_mbps[None])[0]).tolist():
        before = _before(rate_mbps, index, isolated)
        if before is not None and len(before) < _LEAST_AROUND:
            after = rate_mbps[index + 1 : index + 1 + _AROUND]
            before = np.concatenate([before, after])
        if _is_unlike(float(rate_mbps[index]), before):
            isolated.append(index)
    return isolated


def newest_is_unlike(rate_mbps: Floats, isolated: list[int]) -> bool:
    """Return whether the newest rate is outside a third to three times of each of the 30 before.

    Parameters
    ----------
    rate_mbps
        At least one, shape ``(sample,)``.
    isolated
        Its `isolated_rates`, which do not count.
    """
    newest = len(rate_mbps) - 1
    return _is_unlike(float(rate_mbps[newest]), _before(rate_mbps, newest, isolated))


def _is_recent_low(rate_mbps: Floats, index: int, isolated: list[int]) -> bool:
    """Return whether an isolated rate is a low just before the newest sample of a varying link."""
    if index != len(rate_mbps) - 2:
        return False
    before = _before(rate_mbps, index, isolated[:-1])
    if before is None or not len(before):
        return False
    lowest, highest = float(before.min()), float(before.max())
    return bool(rate_mbps[index] < lowest and highest > _VARIES * max(lowest, _LEAST_MBPS))


def _is_unlike(rate_mbps: float, others: Floats | None) -> bool:
    """Return whether a rate is outside a third to three times of each of at least 5 ``others``."""
    if others is None or len(others) < _LEAST_AROUND:
        return False
    highest, lowest = max(float(others.max()), _LEAST_MBPS), float(others.min())
    return bool(rate_mbps > _FACTOR * highest or _FACTOR * rate_mbps < lowest)


def _odd_rates(rates: Floats) -> np.ndarray:
    """Return which rates are outside a third to three times of both neighbours; not the newest.

    Parameters
    ----------
    rates
        Shape ``(window, sample)``.
    """
    after = rates[:, 1:]
    before = np.concatenate([after[:, :1], rates[:, :-2]], axis=1)
    here = rates[:, :-1]
    above = here > _FACTOR * np.maximum(np.maximum(before, after), _LEAST_MBPS)
    return np.asarray(above | (_FACTOR * here < np.minimum(before, after)))


def _before(rate_mbps: Floats, index: int, isolated: list[int]) -> Floats | None:
    """Return the up to 30 rates before ``index`` but the isolated ones; None if these are usual."""
    start = max(0, index - _AROUND)
    among = [at - start for at in isolated if at >= start]
    if not among:
        return rate_mbps[start:index]
    if len(among) > _USUAL:
        return None
    return np.delete(rate_mbps[start:index], among)


def _optional_outliers(telemetry: Floats) -> list[tuple[int, int]]:
    """Return sample and column of each optional value that is far above those around it."""
    ordered = np.sort(telemetry[:, _OPTIONAL], axis=0)  # missing values are last
    odd = [
        column
        for place, column in enumerate(_OPTIONAL)
        if _highest_is_odd(ordered[None, :, place], _LEAST_OPTIONAL[place])[0]
    ]
    return [
        (index, column)
        for column in odd
        for index in _high_values(telemetry[:, column], _LEAST_OPTIONAL[_OPTIONAL.index(column)])
    ]


def _highest_is_odd(ordered: Floats, least: float) -> np.ndarray:
    """Return for each row of sorted values whether the highest is far above the median."""
    count = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    rows = np.arange(len(ordered))
    highest = ordered[rows, np.maximum(count - 1, 0)]
    median = ordered[rows, np.maximum(count - 1, 0) // 2]
    enough = count > _LEAST_MEASURED
    return np.asarray(enough & (highest > _OPTIONAL_FACTOR * np.maximum(median, least)))


def _high_values(values: Floats, least: float) -> list[int]:
    """Return the indices of values over ten times the measured ones before and the one after."""
    measured = np.flatnonzero(~np.isnan(values))
    present = values[measured]
    wrong: list[int] = []
    for at in range(len(present)):
        kept = [i for i in range(max(0, at - _AROUND), at) if i not in wrong]
        if at - len(kept) - max(0, at - _AROUND) > _USUAL:
            continue
        following = [at + 1] if at + 1 < len(present) else []
        around = kept + following
        if len(kept) < _LEAST_MEASURED:
            around = kept + list(range(at + 1, min(len(present), at + 1 + _AROUND)))
        if len(around) < _LEAST_MEASURED:
            continue
        if present[at] > _OPTIONAL_FACTOR * max(float(present[around].max()), least):
            wrong.append(at)
    return [int(index) for index in measured[wrong]]
