"""Pairs of calls that HTTP and gRPC refuse, with the same code, text and field."""

from typing import Any

from google.protobuf.message import Message

from deployments.grpc import pba_pb2 as pb
from tests.deployments.grpc.parity import LINK, ROWS, Pair

__all__ = ["REFUSALS"]

_LONG = "x" * 101


def _refusal(way: str, target: str, method: str, message: Message, body: Any = None) -> Pair:
    return Pair(way, target, body, method, message)


_PROMOTION = "POST /v1/models/{mode}/promote"
_PROMOTE = "/v1/models/internet/promote"
_LINKS, _EVENTS, _FLAGS = "GET /v1/links", "GET /v1/events", "PUT /v1/flags"

REFUSALS = [
    _refusal(_LINKS, "/v1/links?limit=0", "Operations/ListLinks", pb.ListLinksRequest(limit=0)),
    _refusal(
        _LINKS, "/v1/links?limit=10001", "Operations/ListLinks", pb.ListLinksRequest(limit=10001)
    ),
    _refusal(
        _LINKS, "/v1/links?cursor=a%20b", "Operations/ListLinks", pb.ListLinksRequest(cursor="a b")
    ),
    _refusal(
        "GET /v1/links/{link_id}",
        "/v1/links/unknown",
        "Operations/GetLink",
        pb.GetLinkRequest(link_id="unknown"),
    ),
    _refusal(
        "GET /v1/links/{link_id}",
        "/v1/links/a%20b",
        "Operations/GetLink",
        pb.GetLinkRequest(link_id="a b"),
    ),
    _refusal(
        "DELETE /v1/links/{link_id}",
        "/v1/links/unknown",
        "Operations/DeleteLink",
        pb.DeleteLinkRequest(link_id="unknown"),
    ),
    _refusal(
        "GET /v1/links/{link_id}/forecast",
        "/v1/links/unknown/forecast",
        "Predictor/LinkForecast",
        pb.LinkForecastRequest(link_id="unknown"),
    ),
    _refusal(
        "GET /v1/links/{link_id}/forecast",
        "/v1/links/a%20b/forecast",
        "Predictor/LinkForecast",
        pb.LinkForecastRequest(link_id="a b"),
    ),
    _refusal(
        "POST /v1/transfer",
        "/v1/transfer",
        "Predictor/Transfer",
        pb.TransferRequest(link_id=LINK),
        {"link_id": LINK},
    ),
    _refusal(
        "POST /v1/transfer",
        "/v1/transfer",
        "Predictor/Transfer",
        pb.TransferRequest(link_id=LINK, bytes=1, deadline_s=-1),
        {"link_id": LINK, "bytes": 1, "deadline_s": -1.0},
    ),
    _refusal(
        "POST /v1/links/forecasts",
        "/v1/links/forecasts",
        "Predictor/LinkForecasts",
        pb.LinkForecastsRequest(link_ids=[LINK], allocation=pb.AllocationRequest(quantile=2)),
        {"link_ids": [LINK], "allocation": {"quantile": 2.0}},
    ),
    _refusal(
        "POST /v1/samples",
        "/v1/samples",
        "Predictor/Observe",
        pb.ObserveRequest(samples=[pb.LinkSample(link_id=LINK)] * 10_001),
        {"samples": [{**ROWS[0], "link_id": LINK}] * 10_001},
    ),
    _refusal(_EVENTS, "/v1/events?kind=A", "Operations/ListEvents", pb.ListEventsRequest(kind="A")),
    _refusal(
        _EVENTS, "/v1/events?cursor=-1", "Operations/ListEvents", pb.ListEventsRequest(cursor=-1)
    ),
    _refusal(
        "GET /v1/models/{mode}/versions",
        "/v1/models/none/versions",
        "Operations/ListModelVersions",
        pb.ListModelVersionsRequest(mode="none"),
    ),
    _refusal(
        _PROMOTION,
        _PROMOTE,
        "Operations/PromoteModel",
        pb.PromoteModelRequest(mode="internet", version="none"),
        {"version": "none"},
    ),
    _refusal(
        _PROMOTION,
        _PROMOTE,
        "Operations/PromoteModel",
        pb.PromoteModelRequest(mode="internet", version="none", expected_number=7),
        {"version": "none", "expected": 7},
    ),
    _refusal(
        _PROMOTION,
        _PROMOTE,
        "Operations/PromoteModel",
        pb.PromoteModelRequest(mode="internet", version="none", on_behalf_of=_LONG),
        {"version": "none", "on_behalf_of": _LONG},
    ),
    _refusal(
        "POST /v1/models/{mode}/rollback",
        "/v1/models/internet/rollback",
        "Operations/RollBackModel",
        pb.RollBackModelRequest(mode="internet"),
    ),
    _refusal(
        "POST /v1/models/{mode}/retrain",
        "/v1/models/v1/retrain",
        "Operations/RetrainModel",
        pb.RetrainModelRequest(mode="v1", reason="once"),
        {"reason": "once"},
    ),
    _refusal(
        _FLAGS,
        "/v1/flags",
        "Operations/SetFlags",
        pb.SetFlagsRequest(version=7, flags=pb.Flags(shadow=True)),
        {"version": 7, "flags": {"shadow": True}},
    ),
    _refusal(
        _FLAGS,
        "/v1/flags",
        "Operations/SetFlags",
        pb.SetFlagsRequest(flags=pb.Flags(v3_rollout_percentage=-3)),
        {"version": 0, "flags": {"v3_rollout_percentage": -3}},
    ),
    _refusal(_FLAGS, "/v1/flags", "Operations/SetFlags", pb.SetFlagsRequest(), {"version": 0}),
]
