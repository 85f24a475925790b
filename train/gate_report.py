"""What the card of a retrained model tells people of where it comes from and of the gate."""

from collections.abc import Mapping
from typing import Any

from pba.types import rfc3339_of

__all__ = ["verdict"]


def verdict(card: Mapping[str, Any]) -> list[str]:
    """Return the lines of a ``card`` with ``retraining`` and ``gate``."""
    return [*_origin(card["retraining"]), "", *_gate(card["gate"])]


def _origin(told: Mapping[str, Any]) -> list[str]:
    cuts = {name: rfc3339_of(at_s) for name, at_s in told["cuts"].items()}
    if told["replay"]:
        old = (
            f"{told['replay']:.0%} of the windows of an epoch are of the original traces. So that "
            f"nothing old is forgotten, {told['share_kept']:.1%} of the way from the champion's "
            "weights to what was learnt was gone."
        )
    else:
        old = "**No original traces were replayed**: what only they show may be forgotten."
    return [
        "## Retraining",
        "",
        f"Trained on from {told['champion']} with what {told['links']} links reported "
        f"({told['samples']} samples): from {cuts['from_s']} learnt from, from "
        f"{cuts['val_from_s']} validated on, from {cuts['gate_from_s']} to {cuts['until_s']} kept "
        f"for the gate. A day's windows weigh {told['daily_weight']:g} of the next day's. {old}",
        "",
        "| set | windows an epoch |",
        "| --- | --- |",
        *(f"| {name} | {count} |" for name, count in told["windows_an_epoch"].items()),
    ]


def _gate(gate: Mapping[str, Any]) -> list[str]:
    newest, took = gate["newest"], gate["latency_ms"]
    return [
        f"## The gate: {gate['decision']}",
        "",
        *(f"- {reason}" for reason in gate["reasons"]),
        *([""] if gate["reasons"] else []),
        f"On the newest slice, {newest['windows']} windows of {newest['links']} links, champion / "
        "challenger; gains with their 95 % interval over links. Pinball losses are shares of a "
        "link's mean rate, less is better.",
        "",
        "| steps ahead | ±20 % | gained | pinball | grown | calibration |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_ahead(steps, one) for steps, one in newest["horizons"].items()),
        "",
        f"One window takes {took['champion']:.2f} / {took['challenger']:.2f} ms (median).",
        "",
        *_old(gate["old"]),
    ]


def _ahead(steps: str, one: Mapping[str, Any]) -> str:
    before, after = one["champion"], one["challenger"]
    cells = [
        steps,
        f"{before['accuracy_20']:.4f} / {after['accuracy_20']:.4f}",
        _interval(one["accuracy_20"]),
        f"{before['pinball']:.4f} / {after['pinball']:.4f}",
        _interval(one["pinball"]),
        f"{before['calibration_error']:.4f} / {after['calibration_error']:.4f}",
    ]
    return f"| {' | '.join(cells)} |"


def _interval(found: Mapping[str, Any]) -> str:
    low, high = found["interval"] or (float("nan"), float("nan"))
    return f"{found['value']:+.4f} ({low:+.4f} to {high:+.4f})"


def _old(old: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not old:
        return ["No original traces were given, so nothing tells what was forgotten."]
    return [
        "On the `val` split of the original traces, ±20 % one step ahead:",
        "",
        "| set | windows | champion | challenger | gained |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {one['windows']} | {one['champion']:.4f} | {one['challenger']:.4f} | "
            f"{_interval(one['gained'])} |"
            for name, one in old.items()
        ),
    ]
