"""Keys over gRPC: who is let in, what each role may do, and what is open to everyone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from deployments.grpc import access_control, pba_pb2 as pb, pba_pb2_grpc
from deployments.ingress.wiring import grpc_server
from pba.security import Role
from pba.security.limits import Limits
from tests.deployments.grpc.messages import METHODS, STREAMS, call, item_errors
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key
from tests.support.ports import own_port
from tests.support.rights import SCOPES, TABLE

OURS, OTHER = "fra1:a", "ams2:a"
SAMPLES = [pb.Sample(timestamp_s=1.7e9 + second, bandwidth_mbps=20) for second in range(3)]
NAMELESS = pb.ForecastRequest(history=SAMPLES)
STORED = [{"timestamp": 1.7e9 + 100 + second, "bandwidth_mbps": 20.0} for second in range(3)]
_NAMED = ("Forecast", "ForecastBatch")
"""The methods whose messages here name the link of a history."""

_Metadata = tuple[tuple[str, str], ...]


def forecast_of(link_id: str) -> pb.ForecastRequest:
    return pb.ForecastRequest(history=SAMPLES, link_id=link_id)


def report(*link_ids: str) -> pb.ObserveRequest:
    samples = [pb.LinkSample(link_id=name, sample=SAMPLES[0]) for name in link_ids]
    return pb.ObserveRequest(samples=samples)


_TRANSFER = pb.TransferRequest(link_id=OURS, bytes=10**6)
MESSAGES = {
    "Forecast": forecast_of(OURS),
    "ForecastBatch": pb.ForecastBatchRequest(requests=[forecast_of(OURS)]),
    "Observe": report(OURS),
    "LinkForecast": pb.LinkForecastRequest(link_id=OURS),
    "LinkForecasts": pb.LinkForecastsRequest(link_ids=[OURS]),
    "Transfer": _TRANSFER,
    "Transfers": pb.TransfersRequest(requests=[_TRANSFER]),
    "ListLinks": pb.ListLinksRequest(),
    "GetLink": pb.GetLinkRequest(link_id=OURS),
    "GetLinkHistory": pb.GetLinkHistoryRequest(link_id=OURS),
    "ListEvents": pb.ListEventsRequest(),
    "ListDriftAlarms": pb.ListDriftAlarmsRequest(),
    "GetMetrics": pb.GetMetricsRequest(),
    "GetMetricSeries": pb.GetMetricSeriesRequest(by=["mode"]),
    "ListModels": pb.ListModelsRequest(),
    "ListModelVersions": pb.ListModelVersionsRequest(mode="internet"),
    "GetFlags": pb.GetFlagsRequest(),
    "GetRollout": pb.GetRolloutRequest(),
    "WhoAmI": pb.WhoAmIRequest(),
    "SetFlags": pb.SetFlagsRequest(flags=pb.Flags(shadow=False)),
    "PromoteModel": pb.PromoteModelRequest(mode="internet", version="none"),
    "RollBackModel": pb.RollBackModelRequest(mode="internet"),
    "RetrainModel": pb.RetrainModelRequest(mode="internet"),
    "DeleteLink": pb.DeleteLinkRequest(link_id=OURS),
}
CHANGES = ("SetFlags", "PromoteModel", "RollBackModel", "RetrainModel", "DeleteLink")
REFUSED = {"PERMISSION_DENIED", "UNAUTHENTICATED", "forbidden"}


class Called:
    """A service with a gRPC server, and what its clients see."""

    def __init__(self, service: InProcess, channel: grpc.aio.Channel) -> None:
        self.service, self.channel = service, channel
        self.stub = pba_pb2_grpc.PredictorStub(channel)

    async def metadata(self, role: str, *links: str) -> _Metadata:
        """Return what sends a new key, once the service knows it."""
        record, header = key(role, *links)
        self.service.services.stores.flags.keys.add(record)
        await self.service.services.callers.refresh()
        return (("authorization", header["Authorization"]),)

    async def outcomes(self, metadata: _Metadata | None) -> dict[str, str]:
        """Return the status of each call about `OURS`, or the code of its only item."""
        return {
            method: await outcome(call(self.channel, method, message, metadata=metadata))
            for method, message in MESSAGES.items()
        }


async def outcome(response_of: Any) -> str:
    """Return "OK", the status of a call that failed, or the error code of its first item."""
    try:
        response = await response_of
    except grpc.aio.AioRpcError as error:
        code = str(dict(error.trailing_metadata())["pba-error-code"])
        codes = {"forbidden": "PERMISSION_DENIED", "unauthenticated": "UNAUTHENTICATED"}
        return str(error.code().name) if codes.get(code) == error.code().name else code
    return next((error.code for error in item_errors(response)), "OK")


@pytest.fixture
async def called(tmp_path: Path) -> AsyncIterator[Called]:
    with own_port() as port:
        async with (
            open_in_process(tmp_path, grpc_port=port) as service,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            server = grpc_server(service.services)
            await server.start()
            await service.client.post(f"/v1/links/{OURS}/samples", json={"samples": STORED})
            yield Called(service, channel)
            await server.stop()


async def test_without_any_key_all_is_open(called: Called):
    outcomes = await called.outcomes(None)
    assert set(outcomes) == set(METHODS)
    assert REFUSED.isdisjoint(outcomes.values())


@pytest.mark.parametrize("links", SCOPES.values(), ids=SCOPES)
@pytest.mark.parametrize("role", Role)
async def test_each_cell_of_the_table_holds(called: Called, role: Role, links: tuple[str, ...]):
    outcomes = await called.outcomes(await called.metadata(role, *links))
    for method, result in outcomes.items():
        right, other_links = TABLE[method].rights[role], TABLE[method].other_links
        refused = "forbidden" if other_links.startswith("each item") else "PERMISSION_DENIED"
        if right == "no":
            assert result == "PERMISSION_DENIED", method
        elif is_out_of_scope(other_links, links) or (right == "not stored" and method in _NAMED):
            assert result == refused, method
        elif method in CHANGES:  # which change nothing here, or once
            assert result not in REFUSED, method
        else:
            assert result == "OK", method


def is_out_of_scope(other_links: str, links: tuple[str, ...]) -> bool:
    """Return whether a key that is for ``links`` is not for `OURS`, or not for all."""
    if other_links.startswith("403 unless the scope is all links"):
        return links != ()
    concerns_link = other_links.startswith(("403 for a link", "each item"))
    return concerns_link and links == SCOPES["another's"]


async def test_a_call_without_a_valid_key_is_unauthenticated(called: Called):
    ((_, text),) = valid = await called.metadata("admin")
    assert REFUSED.isdisjoint((await called.outcomes(valid)).values())
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    for values in ((), ("",), (wrong,), (text.removeprefix("Bearer "),), (text, text)):
        metadata = tuple(("authorization", value) for value in values)
        assert set((await called.outcomes(metadata)).values()) == {"UNAUTHENTICATED"}, values


async def test_a_revoked_key_is_refused_on_a_connection_that_it_has_used(called: Called):
    metadata = await called.metadata("admin")
    assert await outcome(called.stub.Forecast(NAMELESS, metadata=metadata)) == "OK"
    keys = called.service.services.stores.flags.keys
    keys.revoke(keys.records()[0].key_id)
    await called.service.services.callers.refresh()
    assert await outcome(called.stub.Forecast(NAMELESS, metadata=metadata)) == "UNAUTHENTICATED"


async def test_a_reader_forecasts_histories_without_a_name(called: Called):
    metadata = await called.metadata("reader", "x")
    assert await outcome(called.stub.Forecast(NAMELESS, metadata=metadata)) == "OK"


async def test_calls_at_once_are_each_their_own_callers(called: Called):
    ours = await called.metadata("reporter", "fra1:*")
    others = await called.metadata("reporter", "ams2:*")
    calls = [
        outcome(called.stub.Forecast(forecast_of(OURS), metadata=(ours, others)[number % 2]))
        for number in range(40)
    ]
    assert await asyncio.gather(*calls) == 20 * ["OK", "PERMISSION_DENIED"]


async def test_samples_of_other_links_are_refused_each(called: Called):
    metadata = await called.metadata("reporter", "fra1:*")
    response = await called.stub.Observe(report(OTHER, OURS), metadata=metadata)
    assert {name: link.accepted for name, link in response.links.items()} == {OURS: 1, OTHER: 0}
    (refused,) = response.refused
    assert (refused.index, refused.link_id, refused.error.code) == (0, OTHER, "forbidden")
    assert refused.error.field == "samples[0].link_id"


async def test_the_author_of_a_change_is_the_key(called: Called):
    record, header = key("operator")
    called.service.services.stores.flags.keys.add(record)
    await called.service.services.callers.refresh()
    change = pb.SetFlagsRequest(flags=pb.Flags(automatic_steps=True), on_behalf_of="anna")
    metadata = (("authorization", header["Authorization"]),)
    response = await call(called.channel, "SetFlags", change, metadata=metadata)
    assert response.flags.changed_by == record.name
    (entry,) = called.service.services.store.audit.rows(1)
    assert (entry.who, entry.on_behalf_of) == (record.name, "anna")


async def test_a_method_without_a_rule_is_refused_even_to_an_admin(
    called: Called, monkeypatch: pytest.MonkeyPatch
):
    metadata = await called.metadata("admin")
    monkeypatch.setattr(access_control, "METHODS", {})
    assert await outcome(called.stub.Forecast(NAMELESS, metadata=metadata)) == "PERMISSION_DENIED"


def test_every_method_of_the_service_has_a_rule():
    methods = [*METHODS.values(), *STREAMS.values()]
    paths = {method.path for method in methods} | {"/pba.v1.Predictor/ForecastStream"}
    ours = {path for path in access_control.METHODS if path.startswith("/pba.v1.")}
    assert paths == ours  # for those of the other protocol see `test_inference`


async def test_health_and_reflection_need_no_key(called: Called):
    await called.metadata("admin")
    health = health_pb2_grpc.HealthStub(called.channel)
    response = await health.Check(health_pb2.HealthCheckRequest())
    assert response.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(called.channel)
    stream = reflection.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    async for answer in stream:
        names = {service.name for service in answer.list_services_response.service}
        assert {"pba.v1.Predictor", "pba.v1.Operations"} <= names


async def test_a_caller_without_a_key_is_refused_before_its_message_is_read(called: Called):
    await called.metadata("admin")
    nonsense = called.channel.unary_unary("/pba.v1.Predictor/Forecast")
    assert await outcome(nonsense(b"\xff no message")) == "UNAUTHENTICATED"


def test_outside_a_call_there_is_no_caller():
    with pytest.raises(Exception, match="no valid key"):
        access_control.caller()


async def test_refused_calls_are_counted_by_key_and_address(called: Called):
    metadata = await called.metadata("reporter", "ams2:*")
    assert await outcome(called.stub.Forecast(forecast_of(OURS), metadata=metadata))
    for values in ((), (("authorization", "Bearer x"),)):
        assert await outcome(called.stub.Observe(report(OURS), metadata=values))
    await called.service.services.refusals.flush()
    rows = called.service.services.store.refusals.rows()
    key_id = metadata[0][1].split("_")[1]
    assert {(row.address, row.key_id, row.unauthenticated, row.forbidden) for row in rows} == {
        ("127.0.0.1", "", 2, 0),
        ("127.0.0.1", key_id, 0, 1),
    }


async def test_a_caller_over_its_limits_is_refused_until_later(called: Called):
    limits = Limits(requests_per_s=2, in_flight=5, body_mb=0.0002)
    record, header = key("reporter", limits=limits)
    called.service.services.stores.flags.keys.add(record)
    await called.service.services.callers.refresh()
    metadata = (("authorization", header["Authorization"]),)
    small = pb.ForecastRequest(history=SAMPLES[:2])
    results = [await outcome(called.stub.Forecast(small, metadata=metadata)) for _ in range(3)]
    assert results == ["OK", "OK", "limit_reached"]
    await asyncio.sleep(0.6)
    large = pb.ForecastRequest(history=20 * SAMPLES)
    assert await outcome(called.stub.Forecast(large, metadata=metadata)) == "too_large"
