"""The part of a card for people that says which data tuned the model and which judges it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["data_report", "validation_report"]

_WAYS = {
    "trace": "whole traces",
    "time": "each trace, in time",
    "nothing": "not divided: too short",
}


def validation_report(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the Markdown lines for the entry ``validation`` of a card."""
    return [
        "## What tuned it, and what judges",
        "",
        "One part of a set's `val` traces stops the training, calibrates and chooses how far "
        "weights move. The other part judges in the promotion gate. They have no moment in common.",
        "",
        "| set | divided | moments that tune | moments that judge | judged as |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {_WAYS[entry['divided_by']]} | {entry['tuning_moments']} | "
            f"{entry['judging_moments']} | {entry['figure'] or '–'} |"
            for name, entry in entries.items()
        ),
    ]


def data_report(entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the Markdown lines for the entry ``data`` of a card."""
    return [
        "## The traces",
        "",
        "They are not part of this folder. Path only means that latency, loss and jitter were "
        "learned, and the rate was no target.",
        "",
        "| set | source | licence | use | sha256 of its file |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {entry['source']} | {entry['licence']} | {entry['use']} | "
            f"`{entry['sha256']}` |"
            for name, entry in entries.items()
        ),
    ]
