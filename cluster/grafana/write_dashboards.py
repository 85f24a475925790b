"""Write the Grafana dashboards beside this file: `make dashboards`."""

import json
from pathlib import Path

from cluster.grafana.dashboard_document import Dashboard, Panel, document

__all__ = ["DASHBOARDS", "FOLDER"]

FOLDER = Path(__file__).with_name("dashboards")
_RATE = "[$__rate_interval]"


def _rate(metric: str, by: str, which: str = "") -> str:
    return f"sum by ({by}) (rate(ray_{metric}{which}{_RATE}))"


def _rare(metric: str) -> str:
    """Return the rate of what may never have happened, which is then 0."""
    return f"sum(rate(ray_{metric}{_RATE})) or vector(0)"


def _quantiles(metric: str, by: str = "", legend: str = "") -> list[tuple[str, str]]:
    labels = f"le, {by}" if by else "le"
    buckets = f"sum by ({labels}) (rate(ray_{metric}_bucket{_RATE}))"
    return [
        (f"histogram_quantile({share}, {buckets})", f"{legend} p{share * 100:g}".strip())
        for share in ((0.5, 0.95) if by else (0.5, 0.95, 0.99))
    ]


def _share_in_band(by: str) -> str:
    """Return the share of scored forecasts that are in band, over the last hour."""
    parts, wholes = (
        f"sum by ({by}) (increase(ray_pba_forecasts_{name}_total[1h]))"
        for name in ("in_band", "scored")
    )
    return f"{parts} / {wholes}"


_SERVICE = Dashboard(
    "PBA: service",
    "Whether requests are answered, samples stored and forecasts scored in time.",
    {
        "Objectives": [
            Panel(
                "Budget left of three days",
                "percentunit",
                [("1 - clamp_max(pba:slo_burn:ratio3d, 1)", "{{slo}}")],
                "The share of what may go wrong that has not.",
                kind="stat",
                most=1,
            ),
            Panel(
                "Use of the budget, 1 is what it allows",
                "none",
                [("pba:slo_burn:ratio1h", "{{slo}}")],
                "Of the last hour. From 14.4 on it is urgent.",
                limit=1,
            ),
            Panel(
                "Now",
                "short",
                [
                    ("max(ray_pba_active_links)", "active links"),
                    ("sum(ray_pba_requests_in_flight)", "requests in flight"),
                    ("sum(ray_pba_streams)", "streams"),
                    ("max(ray_pba_due_links)", "links to score"),
                ],
                kind="stat",
            ),
        ],
        "Requests": [
            Panel(
                "Forecasts",
                "reqps",
                [(_rate("pba_forecasts_total", "source"), "{{source}}")],
                "By what they rest on.",
            ),
            Panel(
                "Time of a forecast",
                "s",
                _quantiles("pba_forecast_seconds"),
                "From reading the body to the forecast. The objective is 0.1 s for 99 %.",
                limit=0.1,
            ),
            Panel(
                "Refused requests and items",
                "reqps",
                [(_rate("pba_errors_total", "call, code"), "{{call}}: {{code}}")],
            ),
            Panel(
                "Calls over a limit of their caller",
                "reqps",
                [(_rare("pba_limited_total"), "calls")],
            ),
        ],
        "Samples and store": [
            Panel("Samples", "cps", [(_rate("pba_samples_total", "result"), "{{result}}")]),
            Panel(
                "Time of calls of the store",
                "s",
                _quantiles("pba_store_seconds", "pool", "{{pool}}"),
            ),
            Panel(
                "Writes that wait",
                "short",
                [("sum(ray_pba_writes_waiting)", "writes")],
                "Routers refuse more than `PBA_MAX_WRITES_WAITING` each.",
            ),
            Panel(
                "Forecasts that are not recorded",
                "cps",
                [(_rare("pba_forecasts_not_recorded_total"), "forecasts")],
            ),
        ],
        "Models": [
            Panel(
                "Runs",
                "cps",
                [
                    (
                        _rate("pba_model_run_seconds_count", "model, deployment"),
                        "{{model}} in {{deployment}}",
                    )
                ],
            ),
            Panel(
                "Windows of a run",
                "short",
                [
                    (
                        f"{_rate('pba_model_run_windows_sum', 'model')}"
                        f" / {_rate('pba_model_run_windows_count', 'model')}",
                        "{{model}}",
                    )
                ],
                "About: Ray estimates sums from buckets.",
            ),
            Panel("Time of a run", "s", _quantiles("pba_model_run_seconds", "model", "{{model}}")),
        ],
        "Monitor": [
            Panel(
                "From a sample to its scores",
                "s",
                _quantiles("pba_scoring_seconds"),
                "The objective is 10 s for 99 %.",
                limit=10,
            ),
            Panel(
                "Links that wait to be scored",
                "short",
                [("max(ray_pba_due_links)", "links")],
            ),
            Panel(
                "Since jobs have finished",
                "s",
                [("min by (job) (ray_pba_job_age_seconds)", "{{job}}")],
                "Of the Monitor that did it last.",
            ),
        ],
    },
)

_QUALITY = Dashboard(
    "PBA: forecast quality",
    "Whether forecasts are right as often as they say.",
    {
        "The last hour": [
            Panel(
                "In band, and how many should be",
                "percentunit",
                [
                    ("max by (mode) (ray_pba_accuracy_ratio)", "{{mode}}: in band"),
                    ("max by (mode) (ray_pba_confidence_ratio)", "{{mode}}: confidence"),
                ],
                "In band is within 20 % of the actual, one step ahead.",
                kind="stat",
                most=1,
            ),
            Panel(
                "Inside their interval",
                "percentunit",
                [("max by (mode, interval) (ray_pba_coverage_ratio)", "{{mode}}: {{interval}} %")],
                "Of intervals of 90 % nine in ten have the actual.",
                kind="stat",
                most=1,
            ),
        ],
        "Calibration": [
            Panel(
                "In band and confidence",
                "percentunit",
                [
                    ("pba:accuracy_20:ratio1h", "{{mode}}: in band"),
                    ("pba:confidence:ratio1h", "{{mode}}: confidence"),
                ],
                most=1,
            ),
            Panel(
                "Confidence above the share in band",
                "percentunit",
                [("pba:confidence:ratio1h - pba:accuracy_20:ratio1h", "{{mode}}")],
                "0 is right. The objective is at most 0.05 either way.",
                limit=0.05,
            ),
            Panel(
                "Inside the 90 % interval",
                "percentunit",
                [("pba:coverage_90:ratio1h", "{{mode}}")],
                most=1,
            ),
        ],
        "By source and arm": [
            Panel(
                "In band by source",
                "percentunit",
                [
                    (
                        _share_in_band("source"),
                        "{{source}}",
                    )
                ],
                most=1,
            ),
            Panel(
                "In band by arm",
                "percentunit",
                [
                    (
                        _share_in_band("arm"),
                        "{{arm}}",
                    )
                ],
                "Of different links: the rollout's test compares the arms on the same ones.",
                most=1,
            ),
            Panel(
                "Answers that rest on no model",
                "percentunit",
                [
                    (
                        '(sum by (mode) (rate(ray_pba_forecasts_total{source="heuristic"}'
                        f"{_RATE})) or 0 * sum by (mode) (rate(ray_pba_forecasts_total{_RATE})))"
                        f" / sum by (mode) (rate(ray_pba_forecasts_total{_RATE}))",
                        "{{mode}}",
                    )
                ],
                limit=0.2,
                most=1,
            ),
        ],
        "Scores and drift": [
            Panel("Scored", "cps", [(_rate("pba_forecasts_scored_total", "mode"), "{{mode}}")]),
            Panel(
                "Closed without an actual",
                "cps",
                [(_rare("pba_forecasts_unscored_total"), "forecasts")],
                "No sample came in time.",
            ),
            Panel(
                "Open drift alarms",
                "short",
                [("max by (mode, of) (ray_pba_drift_alarms)", "{{mode}}: {{of}}")],
            ),
        ],
    },
)

_ROLLOUT = Dashboard(
    "PBA: rollout and models",
    "How far v3 serves, the evidence for it, and which versions serve.",
    {
        "Rollout": [
            Panel(
                "Links that v3 serves",
                "percentunit",
                [("max(ray_pba_rollout_ratio)", "share")],
                most=1,
            ),
            Panel(
                "Evidence",
                "short",
                [
                    ("max by (mode) (ray_pba_rollout_evidence)", "{{mode}}"),
                    ("max by (mode) (ray_pba_rollout_evidence_needed)", "{{mode}}: needed"),
                ],
                "The test decides once it reaches what is needed.",
            ),
            Panel(
                "Flags",
                "bool_on_off",
                [("max by (flag) (ray_pba_flag)", "{{flag}}")],
                kind="stat",
            ),
        ],
        "Arms": [
            Panel(
                "Scored by arm",
                "cps",
                [(_rate("pba_forecasts_scored_total", "arm"), "{{arm}}")],
            ),
            Panel(
                "In band by arm and mode",
                "percentunit",
                [
                    (
                        _share_in_band("arm, mode"),
                        "{{arm}} {{mode}}",
                    )
                ],
                most=1,
            ),
        ],
        "Models": [
            Panel(
                "Replicas by version",
                "short",
                [
                    (
                        "count by (model, version) (ray_pba_model_info)",
                        "{{model}} {{version}}",
                    )
                ],
                "Routers hold the models of the modes too.",
            ),
            Panel(
                "Registry answers",
                "bool_yes_no",
                [("min by (model) (ray_pba_registry_up)", "{{model}}")],
                kind="stat",
            ),
            Panel(
                "Versions that were refused",
                "short",
                [("sum(increase(ray_pba_models_refused_total[1h])) or vector(0)", "in an hour")],
                limit=1,
            ),
        ],
        "Retraining": [
            Panel(
                "Since a retraining ended",
                "s",
                [
                    (
                        "time() - max by (model, decision) (ray_pba_retraining_timestamp_seconds)",
                        "{{model}}: {{decision}}",
                    )
                ],
                "By the decision of the gate.",
                kind="stat",
            ),
            Panel(
                "Modes with a drift alarm",
                "short",
                [('max by (mode) (ray_pba_drift_alarms{of="mode"})', "{{mode}}")],
                "What automatic retraining follows.",
            ),
        ],
    },
)

DASHBOARDS = {"service": _SERVICE, "quality": _QUALITY, "rollout": _ROLLOUT}
"""The dashboards by the names of their files."""


def main() -> None:
    """Write all dashboards."""
    FOLDER.mkdir(exist_ok=True)
    for name in DASHBOARDS:
        text = json.dumps(document(name, DASHBOARDS[name]), indent=2) + "\n"
        (FOLDER / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main()
