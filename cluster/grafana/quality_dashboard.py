"""The dashboard of accuracy, calibration and drift."""

from cluster.grafana.dashboard_document import Dashboard, Panel
from cluster.grafana.queries import RATE, rare, rate, share_in_band

__all__ = ["QUALITY"]

QUALITY = Dashboard(
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
                        share_in_band("source"),
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
                        share_in_band("arm"),
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
                        f"{RATE})) or 0 * sum by (mode) (rate(ray_pba_forecasts_total{RATE})))"
                        f" / sum by (mode) (rate(ray_pba_forecasts_total{RATE}))",
                        "{{mode}}",
                    )
                ],
                limit=0.2,
                most=1,
            ),
        ],
        "Scores and drift": [
            Panel("Scored", "cps", [(rate("pba_forecasts_scored_total", "mode"), "{{mode}}")]),
            Panel(
                "Closed without an actual",
                "cps",
                [(rare("pba_forecasts_unscored_total"), "forecasts")],
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
