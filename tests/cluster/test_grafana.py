"""Dashboards are as the program writes them, and of the shape that Grafana documents."""

import json
import re
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from cluster.grafana.dashboard_document import document
from cluster.grafana.write_dashboards import DASHBOARDS, FOLDER
from deployments.metric_table import METRICS
from tests.support.prometheus import CLUSTER

_UNITS = {"percentunit", "none", "short", "reqps", "cps", "s", "bool_on_off", "bool_yes_no"}
_INTEGER, _TEXT = {"type": "integer", "minimum": 0}, {"type": "string", "minLength": 1}
_POSITION = {
    "type": "object",
    "required": ["h", "w", "x", "y"],
    "properties": {"h": _INTEGER, "w": {**_INTEGER, "maximum": 24}, "x": _INTEGER, "y": _INTEGER},
    "additionalProperties": False,
}
_DATASOURCE = {"const": {"type": "prometheus", "uid": "${datasource}"}}
_TARGET = {
    "type": "object",
    "required": ["refId", "expr", "legendFormat", "datasource", "range", "instant"],
    "properties": {"refId": {"pattern": "^[A-Z]$"}, "expr": _TEXT, "datasource": _DATASOURCE},
}
_PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": ["row", "timeseries", "stat"]},
        "title": _TEXT,
        "gridPos": _POSITION,
    },
    "if": {"properties": {"type": {"const": "row"}}},
    "then": {"required": ["collapsed", "panels"]},
    "else": {
        "required": ["datasource", "targets", "fieldConfig", "options"],
        "properties": {
            "datasource": _DATASOURCE,
            "targets": {"type": "array", "minItems": 1, "items": _TARGET},
            "fieldConfig": {
                "required": ["defaults", "overrides"],
                "properties": {"defaults": {"properties": {"unit": {"enum": sorted(_UNITS)}}}},
            },
        },
    },
}
SCHEMA = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "time", "templating", "annotations"],
    "properties": {
        "uid": {"type": "string", "pattern": "^[a-z-]{1,40}$"},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "minItems": 1, "items": _PANEL},
        "time": {"required": ["from", "to"]},
        "templating": {"required": ["list"]},
        "annotations": {"required": ["list"]},
    },
}
"""https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/."""


def written(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return body


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_files_are_as_the_program_writes_them(name: str):
    assert written(name) == document(name, DASHBOARDS[name]), "run make dashboards"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_has_the_shape_that_grafana_reads(name: str):
    dashboard = written(name)
    jsonschema.validate(dashboard, SCHEMA)
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    squares = [
        (panel["gridPos"]["x"] + across, panel["gridPos"]["y"] + down)
        for panel in panels
        for across in range(panel["gridPos"]["w"])
        for down in range(panel["gridPos"]["h"])
    ]
    assert len(set(squares)) == len(squares), "panels overlap"
    assert max(x for x, _ in squares) < 24


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_shows_what_the_service_and_the_rules_have(name: str):
    text = (FOLDER / f"{name}.json").read_text()
    names = {re.sub("_(bucket|count|sum)$", "", name) for name in re.findall(r"ray_(\w+)", text)}
    assert names <= set(METRICS)
    groups = yaml.safe_load((CLUSTER / "alerts.yml").read_text())["groups"]
    records = {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}
    assert set(re.findall(r"pba:\w+:\w+", text)) <= records


def test_grafana_finds_prometheus_and_the_dashboards():
    provisioning = CLUSTER / "grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")
    (provider,) = yaml.safe_load((provisioning / "dashboards/pba.yml").read_text())["providers"]
    assert provider["options"]["path"] == "$PBA_DASHBOARDS"
    containers = yaml.safe_load((CLUSTER / "grafana/compose.yaml").read_text())["services"]
    mounts = [mount for one in containers.values() for mount in one["volumes"]]
    for mount in mounts:
        assert (CLUSTER / "grafana" / mount.split(":")[0]).exists(), mount
    script = CLUSTER / "monitoring.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    for name in ("grafana/dashboards", "grafana/provisioning", "prometheus.yml"):
        assert f"$here/{name}" in script.read_text()
        assert (CLUSTER / name).exists()
