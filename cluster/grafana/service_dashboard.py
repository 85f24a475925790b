"""The dashboard of requests, the store, the models and the Monitor."""

from cluster.grafana.dashboard_document import Dashboard, Panel
from cluster.grafana.queries import quantiles, rare, rate

__all__ = ["SERVICE"]

SERVICE = Dashboard(
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
                [(rate("pba_forecasts_total", "source"), "{{source}}")],
                "By what they rest on.",
            ),
            Panel(
                "Time of a forecast",
                "s",
                quantiles("pba_forecast_seconds"),
                "From reading the body to the forecast. The objective is 0.1 s for 99 %.",
                limit=0.1,
            ),
            Panel(
                "Refused requests and items",
                "reqps",
                [(rate("pba_errors_total", "call, code"), "{{call}}: {{code}}")],
            ),
            Panel(
                "Calls over a limit of their caller",
                "reqps",
                [(rare("pba_limited_total"), "calls")],
            ),
        ],
        "Samples and store": [
            Panel("Samples", "cps", [(rate("pba_samples_total", "result"), "{{result}}")]),
            Panel(
                "Time of calls of the store",
                "s",
                quantiles("pba_store_seconds", "pool", "{{pool}}"),
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
                [(rare("pba_forecasts_not_recorded_total"), "forecasts")],
            ),
        ],
        "Models": [
            Panel(
                "Runs",
                "cps",
                [
                    (
                        rate("pba_model_run_seconds_count", "model, deployment"),
                        "{{model}} in {{deployment}}",
                    )
                ],
            ),
            Panel(
                "Windows of a run",
                "short",
                [
                    (
                        f"{rate('pba_model_run_windows_sum', 'model')}"
                        f" / {rate('pba_model_run_windows_count', 'model')}",
                        "{{model}}",
                    )
                ],
                "About: Ray estimates sums from buckets.",
            ),
            Panel("Time of a run", "s", quantiles("pba_model_run_seconds", "model", "{{model}}")),
        ],
        "Monitor": [
            Panel(
                "From a sample to its scores",
                "s",
                quantiles("pba_scoring_seconds"),
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
