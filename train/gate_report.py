"""The part of a retrained model's card for people: its origin and the gate's decision."""

from collections.abc import Mapping
from typing import Any

from pba.types import rfc3339_of

__all__ = ["gate_report"]


def gate_report(card: Mapping[str, Any]) -> list[str]:
    """Return the Markdown lines for the entries ``retraining`` and ``gate`` of ``card``."""
    return [*_origin(card["retraining"]), "", *_gate(card["gate"])]


def _origin(retraining: Mapping[str, Any]) -> list[str]:
    cuts = {name: rfc3339_of(time_s) for name, time_s in retraining["cuts"].items()}
    if retraining["replay"]:
        old = (
            f"{retraining['replay']:.0%} of an epoch's windows are from the original traces. The "
            f"weights are {retraining['share_kept']:.1%} of the way from the champion's to the "
            "trained ones, so that nothing old is forgotten."
        )
    else:
        old = "**No original traces were replayed**: what only they show may be forgotten."
    return [
        "## Retraining",
        "",
        f"Trained from {retraining['champion']} on the telemetry of {retraining['links']} links "
        f"({retraining['samples']} samples): training from {cuts['from_s']}, validation from "
        f"{cuts['val_from_s']} to {retraining['gap_steps']} steps before the gate's slice, and "
        f"{cuts['gate_from_s']} to {cuts['until_s']} reserved for the gate. A day's windows weigh "
        f"{retraining['daily_weight']:g} of the next day's. {old}",
        "",
        "| set | windows an epoch |",
        "| --- | --- |",
        *(f"| {name} | {count} |" for name, count in retraining["windows_an_epoch"].items()),
    ]


def _gate(gate: Mapping[str, Any]) -> list[str]:
    newest, latency_ms = gate["newest"], gate["latency_ms"]
    return [
        f"## The gate: {gate['decision']}",
        "",
        *(f"- {reason}" for reason in gate["reasons"]),
        *([""] if gate["reasons"] else []),
        f"On the newest slice, {newest['windows']} windows of {newest['links']} links, champion / "
        "challenger; differences with their 95 % interval over links. Pinball losses are relative "
        "to a link's mean rate; less is better.",
        "",
        "| steps ahead | ±20 % | gained | pinball | grown | calibration |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_horizon_row(steps, figures) for steps, figures in newest["horizons"].items()),
        "",
        f"One window takes {latency_ms['champion']:.2f} / {latency_ms['challenger']:.2f} ms of CPU "
        f"time (medians); pair by pair, the challenger takes {_share(latency_ms['slower'])} more.",
        "",
        *_old_sets(gate["old"]),
    ]


def _horizon_row(steps: str, figures: Mapping[str, Any]) -> str:
    before, after = figures["champion"], figures["challenger"]
    cells = [
        steps,
        f"{before['accuracy_20']:.4f} / {after['accuracy_20']:.4f}",
        _interval(figures["accuracy_20"]),
        f"{before['pinball']:.4f} / {after['pinball']:.4f}",
        _interval(figures["pinball"]),
        f"{before['calibration_error']:.4f} / {after['calibration_error']:.4f}",
    ]
    return f"| {' | '.join(cells)} |"


def _interval(difference: Mapping[str, Any]) -> str:
    low, high = difference["interval"] or (float("nan"), float("nan"))
    return f"{difference['value']:+.4f} ({low:+.4f} to {high:+.4f})"


def _share(slower: Mapping[str, Any]) -> str:
    low, high = slower["interval"]
    return f"{slower['value']:+.1%} ({low:+.1%} to {high:+.1%})"


def _old_sets(comparisons: Mapping[str, Mapping[str, Any]]) -> list[str]:
    if not comparisons:
        return ["No original traces were given, so it is not known what was forgotten."]
    return [
        "On the part of the original traces' `val` split that judges, and that no choice has seen, "
        "±20 % one step ahead:",
        "",
        "| set | windows | champion | challenger | gained |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {figures['windows']} | {figures['champion']:.4f} | "
            f"{figures['challenger']:.4f} | {_interval(figures['gained'])} |"
            for name, figures in comparisons.items()
        ),
    ]
