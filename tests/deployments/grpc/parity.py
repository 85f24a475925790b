"""Pairs of an HTTP call and its gRPC counterpart, and both answers in one form to compare."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from deployments.grpc import pba_pb2 as pb

__all__ = ["LINK", "PAIRS", "Pair", "as_document", "comparable"]

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

_TIMES = ("timestamp", "after", "at", "last_sample", "made_at", "mode_since", "changed_at", "since")
_TIMES += ("newest_sample_at", "valid_until", "from", "to")
_VARYING = ("made_at_s",)


def comparable(value: Any, with_times: bool = True) -> Any:
    """Return a JSON document with times as gRPC has them, without what is empty or varies.

    The body of an event has any keys, and none of them is a time.
    """
    if isinstance(value, list):
        return [comparable(item, with_times) for item in value]
    if not isinstance(value, Mapping):
        return value
    document = {}
    for key, item in value.items():
        if with_times and key in _TIMES and isinstance(item, str):
            key, item = f"{key}_s", datetime.fromisoformat(item).timestamp()
        key = {"said": "prediction", "block_s": "block_length_s"}.get(key, key)
        part = comparable(item, with_times and key != "body")
        if part not in (None, [], {}) and key not in _VARYING:
            document[key] = part
    return document


def as_document(message: Message) -> dict[str, Any]:
    """Return a message as the JSON document that says the same, by the field names of the proto."""
    document = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            of = field.message_type.fields_by_name["value"]
            document[field.name] = {str(key): _value(of, value[key]) for key in value}
        elif field.is_repeated:
            document[field.name] = _list(field, value)
        else:
            document[field.name] = _value(field, value)
    return {key: value for key, value in document.items() if value is not None}


def _list(field: Any, values: Any) -> Any:
    """Return the items of a list; quantiles, as in JSON, by their levels."""
    items = [_value(field, value) for value in values]
    if not field.message_type or "level" not in field.message_type.fields_by_name:
        return items
    (name,) = set(field.message_type.fields_by_name) - {"level"}
    return {str(item["level"]): item[name] for item in items if name in item} if items else None


def _value(field: Any, value: Any) -> Any:
    if field.enum_type:
        name = field.enum_type.values_by_number[value].name.removeprefix("MODE_").lower()
        return None if name == "unspecified" else name
    if not field.message_type:
        return value
    if field.message_type.full_name == "google.protobuf.Struct":
        return comparable(MessageToDict(value), with_times=False)
    if field.message_type.full_name in ("pba.v1.Rates", "pba.v1.VersionNames"):
        (values,) = as_document(value).values()  # JSON has the list alone
        return values
    return as_document(value)
