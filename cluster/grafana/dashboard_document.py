"""A dashboard as Grafana reads it, from rows of panels.

https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Dashboard", "Panel", "document"]

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_SCHEMA_VERSION = 39  # of Grafana 11; later ones migrate it
_COLUMNS = 24
_ROW, _PANEL = 1, 8  # heights


@dataclass(frozen=True)
class Panel:
    """A panel: time series, or ``stat`` for the figures of now.

    ``queries`` are expressions of PromQL and their legends. ``unit`` is one of Grafana's. Values
    from ``limit`` on are red.
    """

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    description: str = ""
    kind: str = "timeseries"
    limit: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Dashboard:
    """A dashboard: a title, what it is for, and panels under the titles of their rows."""

    title: str
    description: str
    rows: Mapping[str, Sequence[Panel]]


def document(name: str, dashboard: Dashboard) -> dict[str, Any]:
    """Return ``dashboard``, whose file is called ``name``, as Grafana reads it."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in dashboard.rows.items():
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": []}
            | {"gridPos": {"h": _ROW, "w": _COLUMNS, "x": 0, "y": top}}
        )
        width = _COLUMNS // len(row)
        for place, panel in enumerate(row):
            position = {"h": _PANEL, "w": width, "x": place * width, "y": top + _ROW}
            panels.append(_panel(panel, len(panels) + 1, position))
        top += _ROW + _PANEL
    return {
        "uid": f"pba-{name}",
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["pba"],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one cross-hair over all panels
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [
            {"type": "dashboards", "tags": ["pba"], "title": "PBA", "asDropdown": True}
            | {"icon": "external link", "keepTime": True}
        ],
        "templating": {"list": [_datasource_variable()]},
        "panels": panels,
    }


def _datasource_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "refresh": 1,
        "options": [],
    }


def _panel(panel: Panel, number: int, position: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel.kind),
        "targets": [
            {"refId": chr(ord("A") + place), "expr": query, "legendFormat": legend}
            | {"datasource": _DATASOURCE, "editorMode": "code", "range": panel.kind != "stat"}
            | {"instant": panel.kind == "stat"}
            for place, (query, legend) in enumerate(panel.queries)
        ],
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.most is not None:
        defaults |= {"min": 0, "max": panel.most}
    if panel.kind == "timeseries":
        style = "line" if panel.limit is not None else "off"
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 5, "showPoints": "never"}
        defaults["custom"] |= {"thresholdsStyle": {"mode": style}, "spanNulls": False}
    return defaults


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        calculation = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        return {"reduceOptions": calculation, "textMode": "auto", "colorMode": "value"} | {
            "graphMode": "none",
            "orientation": "auto",
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
