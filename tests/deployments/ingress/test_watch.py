"""Streams of forecasts and events over HTTP: what comes, where they go on, and how they end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from deployments.ingress.routes import http_application
from pba.serving import watches
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key

WAIT_S = 60.0


class Stream:
    """One request to the application, and the parts of its response as they come."""

    def __init__(self, service: InProcess, path: str, headers: dict[str, str]) -> None:
        self._application = http_application(service.services)
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        route, _, query = path.partition("?")
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": route,
            "raw_path": route.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1"), (b"x-request-disconnect-disabled", b"?1"), *pairs],
            "scheme": "http",
            "server": ("127.0.0.1", 8000),
        }
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._left = asyncio.Event()
        self._begun = False
        self._text = ""
        self.status = 0
        self.task: asyncio.Task[None] | None = None

    async def open(self) -> "Stream":
        self.task = asyncio.create_task(
            self._application(self._scope, self._receive, self._messages.put)
        )
        start = await asyncio.wait_for(self._messages.get(), WAIT_S)
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return self

    async def close(self) -> None:
        self._left.set()
        if self.task is not None:
            await asyncio.wait_for(self.task, WAIT_S)

    async def text(self) -> str:
        """Return what follows up to the next empty line."""
        while "\n\n" not in self._text:
            message = await asyncio.wait_for(self._messages.get(), WAIT_S)
            self._text += message["body"].decode()
            if not message.get("more_body"):
                self._text += "\n\n"
        part, _, self._text = self._text.partition("\n\n")
        return part

    async def event(self) -> dict[str, str]:
        """Return the fields of the next event, comments and the time to retry left out."""
        while (text := await self.text()).startswith((":", "retry:")):
            pass
        return dict(line.split(": ", 1) for line in text.splitlines())

    async def _receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}


@asynccontextmanager
async def opened(service: InProcess, path: str, **headers: str) -> AsyncIterator[Stream]:
    stream = await Stream(service, path, headers).open()
    try:
        yield stream
    finally:
        await stream.close()


def samples(first: int, count: int) -> dict[str, Any]:
    rows = [
        {"timestamp": 1_700_000_000 + first + index, "bandwidth_mbps": 50.0 + index % 3}
        for index in range(count)
    ]
    return {"samples": rows}


async def report(service: InProcess, first: int, count: int = 1, link_id: str = "fra1:a") -> None:
    path = f"/v1/links/{link_id}/samples"
    response = await service.client.post(path, json=samples(first, count))
    assert response.status_code == 200, response.text


async def test_a_watched_link_sends_its_forecast_and_one_for_each_new_sample(tmp_path: Path):
    async with open_in_process(tmp_path) as service:
        await report(service, 0, 60)
        async with opened(service, "/v1/links/fra1:a/watch") as stream:
            assert stream.status == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert await stream.text() == "retry: 1000"
            first = await stream.event()
            await report(service, 60)
            second = await stream.event()
        assert first["event"] == second["event"] == "forecast"
        assert first["id"] == "fra1:a@2023-11-14T22:14:19Z"
        forecast = json.loads(second["data"])
        assert second["id"].endswith(forecast["newest_sample_at"])
        same = await service.client.get("/v1/links/fra1:a/forecast?as_of=newest")
        assert same.json()["newest_sample_at"] == forecast["newest_sample_at"]


async def test_a_stream_goes_on_after_the_last_event_that_its_caller_has(tmp_path: Path):
    async with open_in_process(tmp_path) as service:
        await report(service, 0, 60)
        async with opened(service, "/v1/links/fra1:a/watch") as stream:
            last = (await stream.event())["id"]
        await report(service, 60)
        async with opened(service, "/v1/links/fra1:a/watch", **{"last-event-id": last}) as stream:
            assert (await stream.event())["id"] == "fra1:a@2023-11-14T22:14:20Z"


async def test_events_are_sent_as_they_happen_and_from_where_the_caller_was(tmp_path: Path):
    async with open_in_process(tmp_path) as service:
        changes = {"flags": {"v3_rollout_percentage": 50}, "version": 0}
        async with opened(service, "/v1/events/watch?kind=flags_changed") as stream:
            assert await stream.text() == "retry: 1000"
            response = await service.client.put("/v1/flags", json=changes)
            assert response.status_code == 200, response.text
            event = await stream.event()
        assert event["event"] == "flags_changed"
        before = {"last-event-id": str(int(event["id"]) - 1)}
        async with opened(service, "/v1/events/watch", **before) as stream:
            assert (await stream.event())["id"] == event["id"]


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/v1/links/nobody/watch", {}, 404, "not_found"),
        ("/v1/links/fra1:a/watch", {"last-event-id": "x"}, 422, "invalid_input"),
        ("/v1/events/watch", {"last-event-id": "-1"}, 422, "invalid_input"),
        ("/v1/events/watch?kind=A%20b", {}, 422, "invalid_request"),
    ],
)
async def test_a_stream_that_cannot_begin_is_an_error_response(
    tmp_path: Path, path: str, headers: dict[str, str], status: int, code: str
):
    async with open_in_process(tmp_path) as service:
        await report(service, 0, 60)
        async with opened(service, path, **headers) as stream:
            assert stream.status == status
            assert json.loads(await stream.text())["error"]["code"] == code


async def test_one_stream_too_many_is_refused_and_ends_count_no_more(tmp_path: Path):
    async with open_in_process(tmp_path, max_streams=1) as service:
        await report(service, 0, 60)
        async with opened(service, "/v1/links/fra1:a/watch") as first:
            await first.event()
            async with opened(service, "/v1/events/watch") as second:
                assert second.status == 429
        async with opened(service, "/v1/events/watch") as third:
            assert third.status == 200


async def test_a_stream_ends_by_itself_and_silence_is_filled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watches, "_HEARTBEAT_S", 0.0)
    monkeypatch.setattr(watches, "_LOOK_S", 0.05)
    async with open_in_process(tmp_path, stream_s=1.0) as service:
        async with opened(service, "/v1/events/watch") as stream:
            assert await stream.text() == "retry: 1000"
            assert await stream.text() == ": "
            assert stream.task is not None
            await asyncio.wait_for(stream.task, WAIT_S)
        assert service.services.watches.streams.in_flight == 0
        assert service.services.plane.in_flight == 0


@pytest.mark.parametrize("path", ["/v1/links/fra1:a/watch", "/v1/events/watch"])
async def test_a_revoked_key_ends_its_streams(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
):
    monkeypatch.setattr(watches, "_LOOK_S", 0.05)
    record, header = key("reporter", "fra1:*")
    async with open_in_process(tmp_path) as service:
        await report(service, 0, 60)
        keys = service.services.stores.flags.keys
        keys.add(record)
        await service.services.callers.refresh()
        async with opened(service, path, authorization=header["Authorization"]) as stream:
            assert stream.status == 200
            await stream.text()
            keys.revoke(record.key_id)
            await service.services.callers.refresh()
            while (event := await stream.event())["event"] != "error":
                pass
            assert json.loads(event["data"])["code"] == "unauthenticated"
            assert stream.task is not None
            await asyncio.wait_for(stream.task, WAIT_S)


async def test_a_key_watches_its_own_links_alone(tmp_path: Path):
    record, header = key("reader", "ams2:*")
    async with open_in_process(tmp_path) as service:
        await report(service, 0, 60)
        service.services.stores.flags.keys.add(record)
        await service.services.callers.refresh()
        authorization = header["Authorization"]
        async with opened(service, "/v1/links/fra1:a/watch", authorization=authorization) as stream:
            assert stream.status == 403
        async with opened(service, "/v1/events/watch") as stream:
            assert stream.status == 401
