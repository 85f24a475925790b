"""The short results on the screen."""

import io
from typing import Any

import pytest
from rich.console import Console

from train.summary import gate_lines, results_table


def card(version: str, **accuracy: float) -> dict[str, Any]:
    model = {steps: {"accuracy_20": value, "mae": 12.345} for steps, value in accuracy.items()}
    last = {steps: {"accuracy_20": 0.5, "mae": 20.0} for steps in accuracy}
    figures = {"model": model, "last_value": last}
    return {"version": version, "metrics": {"mean_trained": figures}}


@pytest.mark.parametrize("width", [80, 100])
def test_results_fit_the_terminal_and_stand_beside_the_last_value(width: int) -> None:
    file = io.StringIO()
    cards = [
        card("datacenter-2026.11.23-10", **{"1": 0.9411, "5": 0.8, "15": 0.7}),
        card("v1-2026.11.23-1", **{"1": 0.6}),
    ]
    Console(file=file, width=width).print(results_table(cards))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    (datacenter,) = (line for line in lines if "datacenter" in line)
    assert datacenter.split()[0] == "datacenter-2026.11.23-10"
    assert "94.1 (50.0)" in datacenter
    assert "12.3 (20.0)" in datacenter
    (v1,) = (line for line in lines if "v1-" in line)
    assert v1.count("–") == 2


def test_a_decision_is_shown_with_its_reasons_in_short_lines() -> None:
    gate = {"decision": "refuse", "reasons": ["it is slower", "it forgets " + "much " * 20]}
    version, *reasons = gate_lines({"version": "internet-2026.11.23-1", "gate": gate})
    assert version == "internet-2026.11.23-1: refuse"
    assert reasons[0] == "- it is slower"
    assert reasons[1].startswith("- it forgets much")
    assert reasons[2].startswith("  much")
    assert max(map(len, reasons)) <= 80
