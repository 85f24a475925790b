"""The dashboard of the rollout, its arms, versions and retraining."""

from cluster.grafana.dashboard_document import Dashboard, Panel
from cluster.grafana.queries import rate, share_in_band

__all__ = ["ROLLOUT"]

ROLLOUT = Dashboard(
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
                [(rate("pba_forecasts_scored_total", "arm"), "{{arm}}")],
            ),
            Panel(
                "In band by arm and mode",
                "percentunit",
                [
                    (
                        share_in_band("arm, mode"),
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
