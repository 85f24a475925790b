"""Isolated values that the samples around them contradict: counter resets, failed pings.

A counter that is reset gives one absurd rate, a ping that fails is logged as ten minutes. Such
values are stored as they came; before a model, a rule or a mode sees them, they are replaced. The
newest sample cannot be told from the first of a new level yet, so its bandwidth stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pba.types import COLUMNS, Floats

__all__ = [
    "AROUND",
    "FACTOR",
    "LEAST_AROUND",
    "LEAST_MBPS",
    "CleanWindow",
    "clean_window",
    "clean_windows",
    "isolated_rates",
    "newest_is_unlike",
    "outlier_rates",
    "outliers_and_newest",
    "outliers_possible",
]

FACTOR = 3.0
"""A rate is unlike others if it is outside a third to three times of each of them."""

AROUND = 30
"""How many samples before a rate show what is unlike them."""

LEAST_AROUND = 5
"""Of fewer samples before a rate, those after it are looked at too."""

LEAST_MBPS = 0.01
"""A rate above others is unlike them only if it is also above three times this."""

_USUAL = 2  # if more of the samples before were isolated, they are how this link behaves
_VARIES = 2.0  # times from the lowest to the highest rate: lows of such links are no faults

_OPTIONAL = {
    COLUMNS.index(name): least  # below which ten times as much is nothing odd: ms, ms, Mbps
    for name, least in {"latency_ms": 1.0, "jitter_ms": 1.0, "throughput_mbps": 1.0}.items()
}
_OPTIONAL_FACTOR = 10.0  # queues alone make a time several times as long
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

    An outlier's bandwidth becomes the mean of the sample before and the sample after. A low
    stays if the rates before it vary by more than a factor of two: on such links of the val traces,
    lows go on often enough that forecasts gain nothing from not seeing them. Latency,
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
    columns = telemetry.T.tolist()
    isolated = _isolated(columns[0])
    rates = _without_usual_lows(columns[0], isolated)
    wrong = [
        (index, column)
        for column, least in _OPTIONAL.items()
        for index in _high_values(columns[column], least)
    ]
    unlike = _newest_is_unlike(columns[0], isolated)
    if not rates and not wrong:
        return CleanWindow(telemetry, False, unlike)
    cleaned = telemetry.copy()
    for index in rates:
        around = [columns[0][at] for at in (index - 1, index + 1) if at >= 0]
        cleaned[index, 0] = sum(around) / len(around)
    for index, column in wrong:
        cleaned[index, column] = np.nan
    return CleanWindow(cleaned, True, unlike)


def clean_windows(windows: Floats) -> Floats:
    """Return ``windows (window, sample, 5)`` without their outliers, as `clean_window`."""
    rows = np.flatnonzero(outliers_possible(windows))
    if not rows.size:
        return windows
    cleaned = windows.copy()
    for row in rows:
        cleaned[row] = clean_window(windows[row]).telemetry
    return cleaned


def outliers_possible(windows: Floats) -> np.ndarray:
    """Return which of ``windows (window, sample, 5)`` `clean_window` may change or find odd.

    Of the others, no rate is over three times the one before or after it.
    """
    rates = windows[:, :, 0]
    here, after = rates[:, :-1], rates[:, 1:]
    possible = np.asarray(((here > FACTOR * after) | (FACTOR * here < after)).any(axis=1))
    for column, least in _OPTIONAL.items():
        highest = np.fmax.reduce(windows[:, :, column], axis=1)
        lowest = np.fmax(np.fmin.reduce(windows[:, :, column], axis=1), least)
        possible |= highest > _OPTIONAL_FACTOR * lowest
    return possible


def isolated_rates(rate_mbps: Floats) -> list[int]:
    """Return the indices of isolated outliers in ``rate_mbps (sample,)``, oldest first.

    An isolated rate is outside a third to three times of each of the 30 samples before it and of
    the sample after it. Isolated ones before it do not count, but if there are more than two of
    these, the link behaves so. Of the first five samples in a window, which have too few before
    them, those after them are used too. The last sample has none after it and is never isolated.

    >>> isolated_rates(np.array([80.0] * 10 + [4349.0] + [80.0] * 5 + [300.0, 310.0]))
    [10]
    """
    return _isolated(rate_mbps.tolist())


def outlier_rates(rate_mbps: Floats) -> list[int]:
    """Return the indices of `isolated_rates` that are outliers, without the lows of varying links.

    >>> outlier_rates(np.array([80.0, 30.0, 90.0, 40.0, 70.0, 5.0, 60.0, 50.0]))
    []
    """
    rates = rate_mbps.tolist()
    return _without_usual_lows(rates, _isolated(rates))


def outliers_and_newest(rate_mbps: Floats) -> tuple[list[int], bool]:
    """Return the `outlier_rates` of a link, and whether `newest_is_unlike`.

    >>> outliers_and_newest(np.array([80.0] * 10 + [4349.0] + [80.0] * 5 + [300.0]))
    ([10], True)
    """
    rates = rate_mbps.tolist()
    isolated = _isolated(rates)
    return _without_usual_lows(rates, isolated), _newest_is_unlike(rates, isolated)


def newest_is_unlike(rate_mbps: Floats, isolated: Sequence[int]) -> bool:
    """Return whether the newest rate is outside a third to three times of each of the 30 before.

    Parameters
    ----------
    rate_mbps
        At least one, shape ``(sample,)``.
    isolated
        Its `isolated_rates`, which do not count.
    """
    return _newest_is_unlike(rate_mbps.tolist(), isolated)


# The windows of one forecast are short: lists take a fifth of the time of arrays here.


def _isolated(rates: list[float]) -> list[int]:
    isolated: list[int] = []
    if len(rates) < 2:
        return isolated
    before = rates[1]  # the first has none before it
    for index, (here, after) in enumerate(zip(rates, rates[1:], strict=False)):
        if (here > FACTOR * after or FACTOR * here < after) and _is_isolated(
            rates, index, before, isolated
        ):
            isolated.append(index)
        before = here
    return isolated


def _is_isolated(rates: list[float], index: int, before: float, isolated: list[int]) -> bool:
    """Return whether the rate at ``index``, which is unlike the next, is unlike all around it."""
    here, after = rates[index], rates[index + 1]
    if not _is_unlike(here, [before, after]):
        return False
    others = _before(rates, index, isolated)
    if others is not None and len(others) < LEAST_AROUND:
        others = others + rates[index + 1 : index + 1 + AROUND]
    return others is not None and len(others) >= LEAST_AROUND and _is_unlike(here, others)


def _without_usual_lows(rates: list[float], isolated: list[int]) -> list[int]:
    return [index for index in isolated if not _is_usual_low(rates, index, isolated)]


def _is_usual_low(rates: list[float], index: int, isolated: list[int]) -> bool:
    """Return whether an isolated rate is a low of a link that varies."""
    others = _before(rates, index, [at for at in isolated if at < index]) or []
    if len(others) < LEAST_AROUND:
        after = range(index + 1, min(len(rates), index + 1 + AROUND))
        others = others + [rates[at] for at in after if at not in isolated]
    if not others:
        return False
    lowest, highest = min(others), max(others)
    return rates[index] < lowest and highest > _VARIES * max(lowest, LEAST_MBPS)


def _newest_is_unlike(rates: list[float], isolated: Sequence[int]) -> bool:
    others = _before(rates, len(rates) - 1, isolated)
    return others is not None and len(others) >= LEAST_AROUND and _is_unlike(rates[-1], others)


def _is_unlike(rate_mbps: float, others: list[float]) -> bool:
    """Return whether a rate is outside a third to three times of each of ``others``."""
    highest = max(*others, LEAST_MBPS)
    return rate_mbps > FACTOR * highest or FACTOR * rate_mbps < min(others)


def _before(rates: list[float], index: int, isolated: Sequence[int]) -> list[float] | None:
    """Return the up to 30 rates before ``index`` but the isolated ones; None if these are usual."""
    start = max(0, index - AROUND)
    if not isolated or isolated[-1] < start:
        return rates[start:index]
    among = [at for at in isolated if at >= start]
    if len(among) > _USUAL:
        return None
    return [rates[at] for at in range(start, index) if at not in among]


def _high_values(values: list[float], least: float) -> list[int]:
    """Return the indices of values over ten times the measured ones before and the one after."""
    present = [value for value in values if value == value]  # not NaN; faster than `math.isnan`
    if len(present) <= _LEAST_MEASURED:
        return []
    if max(present) <= _OPTIONAL_FACTOR * max(least, min(present)):
        return []
    measured = [index for index, value in enumerate(values) if value == value]
    wrong: list[int] = []
    for at, value in enumerate(present):
        before = _before(present, at, wrong)
        if before is None:
            continue
        others = before + present[at + 1 : at + 2]
        if len(before) < _LEAST_MEASURED:
            others = before + present[at + 1 : at + 1 + AROUND]
        if value > _OPTIONAL_FACTOR * max(*others, least):
            wrong.append(at)
    return [measured[at] for at in wrong]
