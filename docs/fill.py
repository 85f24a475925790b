"""Write NOTICE, three manifests and the generated tables of README.md and docs: `make docs`.

--check only reports.
"""

import json
import sys
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deployments.former_metrics import FORMER
from deployments.grpc.access_control import METHODS
from deployments.ingress.openapi import call_of
from deployments.ingress.router import RouterConfig
from deployments.ingress.routes import ROUTERS
from deployments.metric_table import METRICS
from deployments.replicas.model_replica import ModelConfig
from deployments.settings import Settings
from docs import grpc_calls, licences, manifests
from pba.security import Role
from pba.security.calls import CALLS, Call
from pba.telemetry.public_sets import notice
from tests.support import doors

PROJECT = Path(__file__).parents[1]


def settings(model: type[BaseModel], prefix: str = "") -> str:
    """Return a table of a model's fields: name, default, meaning."""
    rows = [
        f"| `{prefix}{name.upper() if prefix else name}` | "
        f"{'required' if field.default is PydanticUndefined else f'`{field.default}`'} | "
        f"{field.description} |"
        for name, field in model.model_fields.items()
    ]
    head = "setting" if prefix else "field"
    return "\n".join([f"| {head} | default | meaning |", "| --- | --- | --- |", *rows])


def accuracy() -> str:
    """Return a table of accuracy_20 on each test set: the model's and the last value's."""
    lines = ["| mode | test set | PBA | last value |", "| --- | --- | --- | --- |"]
    for mode in ("datacenter", "internet"):
        card = json.loads((PROJECT / "models" / mode / "card.json").read_text())
        metrics = card["metrics"]
        rows = [*metrics["sets"].items(), ("**mean, sets trained on**", metrics["mean_trained"])]
        lines += [f"| {mode} | {name} | {_accuracy_cells(scores)} |" for name, scores in rows]
    return "\n".join(lines)


def _accuracy_cells(scores: dict[str, Any]) -> str:
    model, last = (scores[name]["1"]["accuracy_20"] for name in ("model", "last_value"))
    return f"{model:.3f} | {last:.3f}"


def rights() -> str:
    """Return a table of calls: what each role may do, and what other links get."""
    roles = list(Role)
    lines = [f"| call | {' | '.join(roles)} | other links |", "| --- " * (len(roles) + 2) + "|"]
    for name, call in CALLS.items():
        cells = " | ".join(_right(call, role) for role in roles)
        lines.append(f"| {', '.join(_ways(name))} | {cells} | {call.reach} |")
    return "\n".join(lines)


def _right(call: Call, role: Role) -> str:
    if not role.includes(call.role):
        return "no"
    return "yes" if call.to_record is None or role.includes(call.to_record) else "not stored"


def _ways(name: str) -> list[str]:
    """Return the method and path of a call, and its method of gRPC."""
    ways = [
        f"`{method} {route.path}`"
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and call_of(route) == name
        for method in sorted(route.methods)
    ]
    return ways + [f"`{path.rpartition('/')[2]}`" for path, call in METHODS.items() if call == name]


def metrics() -> str:
    """Return a table of all metrics: name with labels, kind, meaning, and former name."""
    lines = ["| metric | kind | meaning | before |", "| --- | --- | --- | --- |"]
    for metric in METRICS.values():
        labels = f"{{{','.join(metric.labels)}}}" if metric.labels else ""
        former = f"`ray_{FORMER[metric.name].name}`" if metric.name in FORMER else ""
        name = f"`ray_{metric.name}{labels}`"
        lines.append(f"| {name} | {metric.kind} | {metric.description} | {former} |")
    return "\n".join(lines)


TABLES = {
    "README.md": {"accuracy": accuracy},
    "docs/deployment.md": {
        "settings": lambda: settings(Settings, "PBA_"),
        "user_config": lambda: settings(ModelConfig),
        "router_config": lambda: settings(RouterConfig),
    },
    "docs/grpc.md": {"calls": grpc_calls.table},
    "docs/operations.md": {"metrics": metrics},
    "docs/ports.md": {"ports": doors.table},
    "docs/security.md": {"rights": rights},
}


FILES = {
    "NOTICE": notice,
    "THIRD_PARTY_LICENSES.md": licences.document,
    "cluster/kubernetes/base/rayservice.yaml": manifests.ray_service,
    "cluster/kubernetes/overlays/production/prometheusrule.yaml": manifests.prometheus_rule,
    "cluster/kubernetes/overlays/single-node/serve-config.yaml": manifests.single_node_config,
}


def main(check: bool) -> int:
    stale = []
    for name, content in FILES.items():
        path = PROJECT / name
        if not path.exists() or path.read_text() != content():
            stale.append(name)
            if not check:
                path.write_text(content())
    for name, tables in TABLES.items():
        path = PROJECT / name
        text = path.read_text()
        for key, table in tables.items():
            start, end = f"<!-- {key} -->", f"<!-- end of {key} -->"
            before, rest = text.split(start)
            text = f"{before}{start}\n{table()}\n{end}{rest.split(end)[1]}"
        if text != path.read_text():
            stale.append(name)
            if not check:
                path.write_text(text)
    if stale and check:
        sys.stderr.write(f"stale: {', '.join(stale)}. Run `make docs`.\n")
    return len(stale) if check else 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv))
