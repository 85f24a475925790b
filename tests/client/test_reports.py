"""Reports over both clients, and that these have the same calls."""

import inspect
from typing import Any

from pba.client import AsyncPBAClient, PBAClient
from tests.client.conftest import Call, StandIn
from tests.client.test_clients import CALLS

REPORTS: list[tuple[str, dict[str, Any]]] = [
    ("links", {"mode": "internet", "cursor": "a", "limit": 5}),
    ("history", {"link_id": "a", "since": 5.0, "limit": 7}),
    ("events", {"kind": "drift", "limit": 2}),
    ("drift", {}),
    (
        "metric_series",
        {"by": ["mode", "arm"], "horizon": -5, "since": 5.0, "step_s": 60, "bins": True},
    ),
]


async def test_reports_are_chosen_as_the_caller_says(service: StandIn, call: Call):
    alarm = {"link_id": "a", "opened_s": 1.0}
    series = [{"mode": "internet", "points": []}]
    keys = ("links", "cursor", "samples", "forecasts", "events")
    page: dict[str, Any] = dict.fromkeys(keys, []) | {"alarms": [alarm], "series": series}
    lists = {"drift": [alarm], "metric_series": series}
    service.respond(json=page)
    for name, chosen in REPORTS:
        assert await call(name, **chosen) == lists.get(name, page)
    assert [str(request.url.raw_path, "ascii") for request in service.requests] == [
        "/v1/links?mode=internet&cursor=a&limit=5",
        "/v1/links/a/history?from=5.0&limit=7",
        "/v1/events?kind=drift&limit=2",
        "/v1/drift",
        "/v1/metrics/series?from=5.0&step=60&horizon=-5&by=mode&by=arm&bins=true",
    ]


def test_both_clients_have_the_same_calls_with_the_same_signatures():
    def signatures(kind: type) -> dict[str, str]:
        return {
            name: str(inspect.signature(value)).replace("Async", "")
            for name, value in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert signatures(PBAClient) == signatures(AsyncPBAClient)
    others = {"close", "watch", "watch_events", *(name for name, _ in REPORTS)}
    assert set(signatures(PBAClient)) == {*others, *(name for name, _ in CALLS)}
