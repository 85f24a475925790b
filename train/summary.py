"""Short results of a training on the screen; the cards on disk have all figures."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import Any

import numpy as np
from rich.table import Table

from pba.types import HORIZONS

__all__ = ["gate_lines", "results_table"]

_COLUMNS = 80


def results_table(cards: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table of the models' figures on the ``test`` splits, a row per model.

    Means over the sets that a model was trained on; in brackets those of the last value.
    """
    table = Table(
        title="Percent of forecasts within ±20 % on the test splits, and mean error\n"
        "one step ahead; in brackets the last value repeated",
        title_justify="left",
        title_style="",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    table.add_column("model", no_wrap=True)
    for steps in HORIZONS:
        table.add_column(f"{steps} step{'s' * (steps > 1)}", justify="right", no_wrap=True)
    table.add_column("error, Mbps", justify="right", no_wrap=True)
    for card in cards:
        figures = card["metrics"]["mean_trained"]
        shares = [_cell(figures, str(steps), "accuracy_20", _percent) for steps in HORIZONS]
        table.add_row(card["version"], *shares, _cell(figures, "1", "mae", _three_digits))
    return table


def gate_lines(card: Mapping[str, Any]) -> list[str]:
    """Return the gate's decision on a retrained model, and its reasons, in lines of a screen."""
    lines = [f"{card['version']}: {card['gate']['decision']}"]
    for reason in card["gate"]["reasons"]:
        lines += wrap(reason, _COLUMNS, initial_indent="- ", subsequent_indent="  ")
    return lines


def _cell(figures: Mapping[str, Any], steps: str, name: str, text: Callable[[float], str]) -> str:
    model, last = figures["model"].get(steps), figures["last_value"].get(steps)
    if model is None or last is None:
        return "–"
    return f"{text(model[name])} ({text(last[name])})"


def _percent(share: float) -> str:
    return f"{share:.1%}".removesuffix("%")


def _three_digits(value: float) -> str:
    """Return ``value`` with three digits, or as a whole number.

    >>> _three_digits(1.2345), _three_digits(43.81), _three_digits(1234.5)
    ('1.23', '43.8', '1234')
    """
    return f"{value:.{max(0, 2 - int(np.log10(max(value, 1.0))))}f}"
