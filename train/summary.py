"""Short results of a training on the screen; the cards on disk have all figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from pba.types import HORIZONS

__all__ = ["gate_lines", "results_table"]


def results_table(cards: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table of the models' figures on the ``test`` splits, a row per model.

    Means over the sets that a model was trained on; in brackets those of the last value.
    """
    table = Table(
        title="Share within ±20 % on the test splits, and mean absolute error one step ahead:\n"
        "this model (the last value repeated)",
        title_justify="left",
        title_style="",
        box=box.SIMPLE,
    )
    table.add_column("model", no_wrap=True)
    for steps in HORIZONS:
        table.add_column(f"{steps} step{'s' * (steps > 1)}", justify="right", no_wrap=True)
    table.add_column("error, Mbps", justify="right", no_wrap=True)
    for card in cards:
        figures = card["metrics"]["mean_trained"]
        shares = [_cell(figures, str(steps), "accuracy_20", ".3f") for steps in HORIZONS]
        table.add_row(card["version"], *shares, _cell(figures, "1", "mae", ".4g"))
    return table


def gate_lines(card: Mapping[str, Any]) -> list[str]:
    """Return the gate's decision on a retrained model, and its reasons."""
    decision = card["gate"]["decision"]
    return [f"{card['version']}: {decision}", *(f"- {why}" for why in card["gate"]["reasons"])]


def _cell(figures: Mapping[str, Any], steps: str, name: str, number: str) -> str:
    model, last = figures["model"].get(steps), figures["last_value"].get(steps)
    if model is None or last is None:
        return "–"
    return f"{model[name]:{number}} ({last[name]:{number}})"
