"""Streams over gRPC: what comes, how they end, and where the next one goes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from deployments.ingress.wiring import grpc_server
from pba.security.limits import Limits
from pba.serving import watches
from pba.types import Event
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key
from tests.support.ports import own_port

WAIT_S = 60.0
START_S = 1.7e9


class Watching:
    """A service with a gRPC server, and a client of it."""

    def __init__(self, service: InProcess, channel: grpc.aio.Channel) -> None:
        self.service = service
        self.stub = pba_pb2_grpc.PredictorStub(channel)
        self.metadata: tuple[tuple[str, str], ...] | None = None

    async def report(self, link_id: str, first: int, count: int = 1) -> None:
        samples = [
            {"timestamp": START_S + first + index, "bandwidth_mbps": 20.0} for index in range(count)
        ]
        path = f"/v1/links/{link_id}/samples"
        (await self.service.client.post(path, json={"samples": samples})).raise_for_status()

    async def use_key(self, role: str, *links: str, limits: Limits | None = None) -> str:
        """Call with a new key from now on; return its id. HTTP goes on without."""
        options = {} if limits is None else {"limits": limits}
        record, header = key(role, *links, **options)
        self.service.services.stores.flags.keys.add(record)
        await self.service.services.callers.refresh()
        self.metadata = (("authorization", header["Authorization"]),)
        return record.key_id

    def watch(self, **request: Any) -> Any:
        return self.stub.Watch(pb.WatchRequest(**request), metadata=self.metadata, timeout=WAIT_S)

    def watch_events(self, **request: Any) -> Any:
        message = pb.WatchEventsRequest(**request)
        return self.stub.WatchEvents(message, metadata=self.metadata, timeout=WAIT_S)


@asynccontextmanager
async def open_watching(folder: Path, **settings: Any) -> AsyncIterator[Watching]:
    with own_port() as port:
        async with (
            open_in_process(folder, grpc_port=port, **settings) as service,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            server = grpc_server(service.services)
            await server.start()
            watching = Watching(service, channel)
            for name in ("ams2:a", "fra1:a", "fra1:b"):
                await watching.report(name, 0, 60)
            yield watching
            await server.stop()


@pytest.fixture
async def watching(tmp_path: Path) -> AsyncIterator[Watching]:
    async with open_watching(tmp_path) as opened:
        yield opened


async def forecasts_of(stream: Any) -> tuple[list[str], str]:
    """Return the links of the next forecasts, and the token with them."""
    while not (response := await stream.read()).forecasts:
        pass
    return sorted(one.link_id for one in response.forecasts), response.resume_token


async def _read_all(stream: Any) -> None:
    while await stream.read() is not grpc.aio.EOF:
        pass


async def error_of(stream: Any) -> tuple[str, str]:
    """Return the status and the code with which a stream ends."""
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await _read_all(stream)
    code = dict(ended.value.trailing_metadata()).get("pba-error-code", "")
    return ended.value.code().name, str(code)


async def test_links_and_beginnings_are_watched(watching: Watching):
    stream = watching.watch(link_ids=["ams2:a"], prefixes=["fra1:"])
    assert (await forecasts_of(stream))[0] == ["ams2:a", "fra1:a", "fra1:b"]
    await watching.report("fra1:b", 60)
    assert (await forecasts_of(stream))[0] == ["fra1:b"]
    await watching.report("fra1:new", 0, 60)
    assert (await forecasts_of(stream))[0] == ["fra1:new"]
    stream.cancel()


async def test_a_stream_goes_on_where_the_one_before_it_ended(tmp_path: Path):
    async with open_watching(tmp_path, stream_s=1.0) as watching:
        stream = watching.watch(prefixes=["fra1:"])
        await forecasts_of(stream)
        await watching.report("fra1:b", 60)
        names, token = await forecasts_of(stream)
        assert (names, int(token) > 0) == (["fra1:b"], True)
        assert await error_of(stream) == ("UNAVAILABLE", "unavailable")
        await watching.report("fra1:a", 60)
        again = watching.watch(prefixes=["fra1:"], resume_token=token)
        assert (await forecasts_of(again))[0] == ["fra1:a"]
        assert await error_of(again) == ("UNAVAILABLE", "unavailable")
        lost = watching.watch(prefixes=["fra1:"], resume_token="100000")
        assert (await forecasts_of(lost))[0] == ["fra1:a", "fra1:b"]


async def test_events_come_as_they_happen_and_after_the_last_that_is_known(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
):
    for name in ("_LOOK_S", "_HEARTBEAT_S"):
        monkeypatch.setattr(watches, name, 0.05)
    stream = watching.watch_events(kind="note")
    store = watching.service.services.store
    await watching.report("fra1:a", 60)
    events = [
        Event("note", START_S, "fra1:a", {"text": "x", "count": 2.0}),
        Event("other", START_S, None, {}),
    ]
    while not stream.done():
        store.add_events(events)
        response = await stream.read()
        if response.events:
            break
    event = response.events[0]
    assert (event.kind, event.link_id, dict(event.body)) == (
        "note",
        "fra1:a",
        {"text": "x", "count": 2.0},
    )
    stream.cancel()
    again = watching.watch_events(after=event.number)
    first = (await again.read()).events[0]
    assert (first.number, first.kind, first.HasField("link_id")) == (
        event.number + 1,
        "other",
        False,
    )
    again.cancel()


@pytest.mark.parametrize(
    ("request_fields", "code"),
    [
        ({}, "invalid_input"),
        ({"link_ids": ["a b"]}, "invalid_input"),
        ({"prefixes": ["a*"]}, "invalid_input"),
        ({"prefixes": ["a"] * 51}, "too_large"),
        ({"link_ids": ["a"], "resume_token": "x"}, "invalid_input"),
    ],
)
async def test_what_cannot_be_watched_is_an_error(
    watching: Watching, request_fields: dict[str, Any], code: str
):
    assert (await error_of(watching.watch(**request_fields)))[1] == code


async def test_a_key_watches_its_links_until_it_is_revoked(
    watching: Watching, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watches, "_LOOK_S", 0.05)
    key_id = await watching.use_key("reader", "fra1:*")
    assert await error_of(watching.watch(link_ids=["ams2:a"])) == ("PERMISSION_DENIED", "forbidden")
    assert await error_of(watching.watch_events(link_id="ams2:a")) == (
        "PERMISSION_DENIED",
        "forbidden",
    )
    stream, events = watching.watch(prefixes=[""]), watching.watch_events()
    assert (await forecasts_of(stream))[0] == ["fra1:a", "fra1:b"]
    services = watching.service.services
    services.stores.flags.keys.revoke(key_id)
    await services.callers.refresh()
    for each in (stream, events):
        assert await error_of(each) == ("UNAUTHENTICATED", "unauthenticated")


async def test_streams_have_a_limit_of_their_own_and_count_for_their_key(tmp_path: Path):
    async with open_watching(tmp_path, max_streams=2) as watching:
        await watching.use_key("reader", limits=Limits(in_flight=1))
        first = watching.watch(link_ids=["fra1:a"])
        await forecasts_of(first)
        assert (await error_of(watching.watch_events()))[1] == "limit_reached"
        await watching.use_key("reader")
        second = watching.watch(link_ids=["fra1:a"])
        await forecasts_of(second)
        assert await error_of(watching.watch_events()) == ("RESOURCE_EXHAUSTED", "busy")
        assert watching.service.services.plane.in_flight == 0
        first.cancel()
        second.cancel()
