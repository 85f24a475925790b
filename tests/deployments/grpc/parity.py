"""Pairs of an HTTP call and its gRPC counterpart."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from google.protobuf.message import Message

from deployments.grpc import pba_pb2 as pb

__all__ = ["LINK", "PAIRS", "Pair"]

LINK = "fra1:parity"
START_S = 1_700_000_000.0
ROWS = [
    {"timestamp": START_S + second, "bandwidth_mbps": 20.0 + second % 3, "latency_ms": 60.0}
    for second in range(70)
]
"""What `LINK` has stored."""

_SAMPLES = [
    pb.Sample(timestamp_s=row["timestamp"], **{k: v for k, v in row.items() if k != "timestamp"})
    for row in ROWS
]
_COLUMNS = pb.HistoryColumns(
    timestamp_s=[row["timestamp"] for row in ROWS],
    bandwidth_mbps=[row["bandwidth_mbps"] for row in ROWS],
)
_IN_COLUMNS = {name: [row[name] for row in ROWS] for name in ("timestamp", "bandwidth_mbps")}
_SIZE = {"bytes": 10**8, "deadline_s": 60.0, "dirty_mbps": 2.0}
_ENDLESS = {"bytes": 10**18, "dirty_mbps": 1e6}
_NEW = {**ROWS[0], "timestamp": START_S + 100}
_NEW_SAMPLE = pb.Sample(timestamp_s=START_S + 100, bandwidth_mbps=20.0, latency_ms=60.0)


class Pair(NamedTuple):
    """One question, in both protocols.

    Parameters
    ----------
    way
        Method and path, with what stands for a name in braces.
    target
        The path and query that are sent.
    method
        The service and method of gRPC.
    part
        Where the answer lies in the response of gRPC, field by field.
    """

    way: str
    target: str
    body: Any
    method: str
    message: Message
    part: tuple[str, ...] = ()


_ADVICE = pb.AllocationRequest()
_REPORT = [pb.LinkSample(link_id=LINK, sample=_NEW_SAMPLE)]
_LINK_PATH = f"/v1/links/{LINK}"
_QUERY = "&".join(f"{name}={value}" for name, value in _SIZE.items())


def _operation(
    way: str, method: str, message: Message, part: str = "", query: str = "", body: Any = None
) -> Iterator[Pair]:
    path = way.split()[1].replace("{link_id}", LINK).replace("{mode}", "internet")
    yield Pair(way, path + query, body, f"Operations/{method}", message, (part,) if part else ())


PAIRS = [
    Pair(
        "POST /v1/forecast",
        "/v1/forecast?as_of=newest",
        {"history": ROWS, "mode": "internet", "allocation": {"quantile": 0.25}},
        "Predictor/Forecast",
        pb.ForecastRequest(
            history=_SAMPLES,
            mode=pb.MODE_INTERNET,
            allocation=pb.AllocationRequest(quantile=0.25),
            as_of_newest=True,
        ),
        ("forecast",),
    ),
    Pair(
        "POST /v1/forecasts",
        "/v1/forecasts?as_of=newest",
        {"requests": [{"history": ROWS}, {"history": ROWS[:1]}, {"history": _IN_COLUMNS}]},
        "Predictor/ForecastBatch",
        pb.ForecastBatchRequest(
            requests=[
                pb.ForecastRequest(history=_SAMPLES, as_of_newest=True),
                pb.ForecastRequest(history=_SAMPLES[:1], as_of_newest=True),
                pb.ForecastRequest(columns=_COLUMNS, as_of_newest=True),
            ]
        ),
    ),
    Pair(
        "GET /v1/links/{link_id}/forecast",
        f"{_LINK_PATH}/forecast?as_of=newest&allocation=true",
        None,
        "Predictor/LinkForecast",
        pb.LinkForecastRequest(link_id=LINK, allocation=_ADVICE, as_of_newest=True),
        ("forecast",),
    ),
    Pair(
        "POST /v1/links/forecasts",
        "/v1/links/forecasts?as_of=newest",
        {"link_ids": [LINK, "unknown", "a/b"]},
        "Predictor/LinkForecasts",
        pb.LinkForecastsRequest(link_ids=[LINK, "unknown", "a/b"], as_of_newest=True),
    ),
    Pair(
        "POST /v1/transfer",
        "/v1/transfer?as_of=newest",
        {"history": ROWS, **_SIZE},
        "Predictor/Transfer",
        pb.TransferRequest(history=_SAMPLES, as_of_newest=True, **_SIZE),
        ("transfer",),
    ),
    Pair(
        "POST /v1/transfers",
        "/v1/transfers?as_of=newest",
        {
            "requests": [
                {"link_id": LINK, **_ENDLESS},
                {"link_id": "unknown", **_SIZE},
                {"history": _IN_COLUMNS, "mode": "datacenter", **_SIZE},
                {"link_id": LINK, "mode": "internet", **_SIZE},
                {"link_id": LINK, "bytes": 0},
                {"history": ROWS, "link_id": LINK, "bytes": 1},
            ]
        },
        "Predictor/Transfers",
        pb.TransfersRequest(
            requests=[
                pb.TransferRequest(link_id=LINK, as_of_newest=True, **_ENDLESS),
                pb.TransferRequest(link_id="unknown", as_of_newest=True, **_SIZE),
                pb.TransferRequest(
                    columns=_COLUMNS, mode=pb.MODE_DATACENTER, as_of_newest=True, **_SIZE
                ),
                pb.TransferRequest(link_id=LINK, mode=pb.MODE_INTERNET, **_SIZE),
                pb.TransferRequest(link_id=LINK, bytes=0),
                pb.TransferRequest(history=_SAMPLES, link_id=LINK, bytes=1),
            ]
        ),
    ),
    Pair(
        "GET /v1/links/{link_id}/transfer",
        f"{_LINK_PATH}/transfer?as_of=newest&{_QUERY}",
        None,
        "Predictor/Transfer",
        pb.TransferRequest(link_id=LINK, as_of_newest=True, **_SIZE),
        ("transfer",),
    ),
    Pair(
        "POST /v1/links/{link_id}/samples",
        f"{_LINK_PATH}/samples",
        {"samples": [_NEW]},
        "Predictor/Observe",
        pb.ObserveRequest(samples=_REPORT),
        ("links", LINK),
    ),
    Pair(
        "POST /v1/samples",
        "/v1/samples",
        {"samples": [{"link_id": LINK, **_NEW}, {"link_id": "a/b", **_NEW}]},
        "Predictor/Observe",
        pb.ObserveRequest(samples=[*_REPORT, pb.LinkSample(link_id="a/b", sample=_NEW_SAMPLE)]),
    ),
    *_operation("GET /v1/links", "ListLinks", pb.ListLinksRequest()),
    *_operation(
        "GET /v1/links",
        "ListLinks",
        pb.ListLinksRequest(mode=pb.MODE_INTERNET, cursor="fra0", limit=1),
        query="?mode=internet&cursor=fra0&limit=1",
    ),
    *_operation(
        "GET /v1/links",
        "ListLinks",
        pb.ListLinksRequest(search="FRA", sort="silent", limit=1),
        query="?search=FRA&sort=silent&limit=1",
    ),
    *_operation("GET /v1/links/{link_id}", "GetLink", pb.GetLinkRequest(link_id=LINK), "link"),
    *_operation(
        "GET /v1/links/{link_id}/history",
        "GetLinkHistory",
        pb.GetLinkHistoryRequest(link_id=LINK, from_s=START_S + 9, to_s=START_S + 99, limit=50),
        query=f"?from={START_S + 9}&to={START_S + 99}&limit=50",
    ),
    *_operation("GET /v1/metrics", "GetMetrics", pb.GetMetricsRequest()),
    *_operation(
        "GET /v1/metrics/series",
        "GetMetricSeries",
        pb.GetMetricSeriesRequest(
            from_s=START_S, to_s=START_S + 7200, step_s=600, by=["mode", "source"], horizon="5"
        ),
        query=f"?from={START_S}&to={START_S + 7200}&step=600&by=mode&by=source&horizon=5",
    ),
    *_operation(
        "GET /v1/metrics/series",
        "GetMetricSeries",
        pb.GetMetricSeriesRequest(bins=True),
        query="?bins=true",
    ),
    *_operation(
        "GET /v1/metrics/series",
        "GetMetricSeries",
        pb.GetMetricSeriesRequest(by=["group"]),
        query="?by=group",
    ),
    *_operation("GET /v1/drift", "ListDriftAlarms", pb.ListDriftAlarmsRequest()),
    *_operation("GET /v1/events", "ListEvents", pb.ListEventsRequest()),
    *_operation(
        "GET /v1/events",
        "ListEvents",
        pb.ListEventsRequest(kind="note", link_id=LINK, cursor=99, limit=1),
        query=f"?kind=note&link_id={LINK}&cursor=99&limit=1",
    ),
    *_operation("GET /v1/models", "ListModels", pb.ListModelsRequest()),
    *_operation(
        "GET /v1/models/{mode}/versions",
        "ListModelVersions",
        pb.ListModelVersionsRequest(mode="internet"),
    ),
    *_operation("GET /v1/flags", "GetFlags", pb.GetFlagsRequest(), "flags"),
    *_operation("GET /v1/rollout", "GetRollout", pb.GetRolloutRequest()),
    *_operation(
        "GET /v1/rollout",
        "GetRollout",
        pb.GetRolloutRequest(since_s=START_S),
        query=f"?since={START_S}",
    ),
    *_operation("GET /v1/whoami", "WhoAmI", pb.WhoAmIRequest()),
]
"""Every call that needs a key; those of samples are about one that is stored already."""
