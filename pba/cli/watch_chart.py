"""The past of a link and what is forecast, drawn with characters."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from rich.text import Text

from pba.types import HORIZONS, QUANTILES, Floats, Forecast

__all__ = ["FUTURE", "draw_chart"]

FUTURE = HORIZONS[-1]
"""The columns of a chart after its newest sample: one a step."""

_AXIS = 9
_SAMPLE, _POINT, _LIKELY, _POSSIBLE = "●", "━", "▓", "░"
_STYLES = {_SAMPLE: "bold", _POINT: "cyan", _LIKELY: "cyan", _POSSIBLE: "dim cyan"}
_BANDS = [(QUANTILES.index(low), QUANTILES.index(1 - low)) for low in (0.25, 0.05)]


def draw_chart(samples_mbps: Sequence[float], forecast: Forecast, width: int, height: int) -> Text:
    """Return a chart: samples as points, then for each step ahead point, 50 % and 90 % interval.

    Between horizons the forecast is linear.

    Parameters
    ----------
    samples_mbps
        Oldest first; the newest that fit are drawn, one a column.
    width, height
        In characters; the chart has ``height`` rows and one line below them. A row is labelled with
        the highest rate in it.
    """
    columns = max(1, width - _AXIS - FUTURE)
    shown = [*samples_mbps][-columns:]
    points, quantiles = _steps(forecast)
    top = _round_up(max(max(shown, default=0.0), float(quantiles[:, -1].max()), 1e-3))
    cells = [[" "] * (len(shown) + FUTURE) for _ in range(height)]

    def row(mbps: float) -> int:
        return height - 1 - min(height - 1, int(mbps / top * height))

    for step in range(FUTURE):
        column = len(shown) + step
        for (low, high), mark in zip(reversed(_BANDS), (_POSSIBLE, _LIKELY), strict=True):
            for line in range(row(quantiles[step, high]), row(quantiles[step, low]) + 1):
                cells[line][column] = mark
        cells[row(points[step])][column] = _POINT
    for column, mbps in enumerate(shown):
        cells[row(mbps)][column] = _SAMPLE
    return _text(cells, top, len(shown))


def _steps(forecast: Forecast) -> tuple[Floats, Floats]:
    """Return point and quantiles for each of the next steps, ``(step,)`` and ``(step, 7)``."""
    steps = np.arange(1, FUTURE + 1)
    known = [(one.bandwidth_mbps, *one.quantiles_mbps) for one in forecast.horizons]
    values = [np.interp(steps, HORIZONS, column) for column in zip(*known, strict=True)]
    return values[0], np.stack(values[1:], axis=1)


def _round_up(mbps: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 4, 5, 6, 8 and 10 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(mbps))
    steps = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    return float(next(step * power for step in steps if step * power >= mbps * (1 - 1e-9)))


def _text(cells: Sequence[Sequence[str]], top: float, past: int) -> Text:
    height, text = len(cells), Text()
    for line, row in enumerate(cells):
        text.append(f"{top * (height - line) / height:>{_AXIS - 2}.4g} │", "dim")
        ends = [0, *(at for at, (a, b) in enumerate(pairwise(row), 1) if a != b), len(row)]
        for start, end in pairwise(ends):
            text.append("".join(row[start:end]), _STYLES.get(row[start], ""))
        text.append("\n")
    text.append(f"{'Mbps':>{_AXIS - 2}} └{'─' * past}┴{'─' * (FUTURE - 1)}", "dim")
    return text
