"""`pba status`: what serves, how well it forecasts, and what needs attention."""

from collections.abc import Mapping, Sequence
from typing import Any

import typer
from rich.console import Console

from pba.cli.json_output import AsJson, print_json
from pba.cli.service_options import Service, with_service
from pba.cli.terminal import plain_table, shown
from pba.errors import PBAError

__all__ = ["status"]


@with_service
def status(service: Service, as_json: AsJson = False) -> None:
    """Show what serves, how well it forecasts, and what needs attention.

    Ends with status 1 if a model does not serve.
    """
    with service.client() as client:
        report: dict[str, Any] = {
            "models": client.models(),
            "metrics": _allowed(client.metrics),
            "flags": client.flags(),
            "alarms": client.drift(),
        }
    if as_json:
        print_json(report)
    else:
        _print_status(Console(), report)
    if any("error" in model for model in report["models"].values()):
        raise typer.Exit(1)


def _allowed(call: Any) -> dict[str, Any]:
    """Return what ``call`` returns, or why the caller may not make it."""
    try:
        result: dict[str, Any] = call()
    except PBAError as error:
        if error.code != "forbidden":
            raise
        return {"error": str(error)}
    return result


def _print_status(console: Console, report: Mapping[str, Any]) -> None:
    models, metrics, flags = report["models"], report["metrics"], report["flags"]
    table = plain_table("model", "version", "state")
    for mode, model in models.items():
        table.add_row(mode, shown(model.get("version")), _state(model))
    console.print(table)
    if "error" in metrics:
        console.print(metrics["error"], markup=False)
    else:
        _print_metrics(console, metrics)
    console.print(f"Flags, version {flags['version']}: {_changed(flags['flags'])}")
    console.print(_alarms(report["alarms"]))


def _state(model: Mapping[str, Any]) -> str:
    """Return what a model does, or what is wrong with it."""
    for key in ("error", "refused", "registry_away"):
        if model.get(key):
            return f"{key.replace('_', ' ')}: {model[key]}"
    return "asleep" if model.get("asleep") else "serves"


def _print_metrics(console: Console, metrics: Mapping[str, Any]) -> None:
    scoring = metrics.get("scoring") or {}
    waiting = f", {scoring['due']} waiting to be scored" if scoring.get("due") else ""
    console.print(f"{metrics['links']} links{waiting}")
    headers = ("forecasts one step ahead", "scored", "in band", "confidence", "in 90 %", "p95 ms")
    table = plain_table(*headers, numbers_from=1)
    for name, part in {**metrics["modes"], "overall": metrics["overall"]}.items():
        latency = part["latency_ms"] or {}
        shares = (part["accuracy_20"], part["confidence"], part["coverage_90"])
        table.add_row(name, str(part["scored"]), *map(shown, shares), shown(latency.get("p95")))
    console.print(table)


def _changed(flags: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={str(value).lower()}" for name, value in flags.items())


def _alarms(alarms: Sequence[Mapping[str, Any]]) -> str:
    if not alarms:
        return "No drift alarm is open."
    modes = [alarm["mode"] for alarm in alarms if alarm["link_id"] is None]
    of_modes = f", of {', '.join(modes)}" if modes else ""
    return f"{len(alarms)} drift alarms are open{of_modes}: pba drift"
