"""One request between its connection and the application: unread bodies, callers that are gone."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from deployments.ingress.request_flow import RequestFlows, flow_of

LEFT_TO_US = (b"x-request-disconnect-disabled", b"?1")


class Caller:
    """Sends messages, and is gone once they are sent."""

    def __init__(self, *messages: Message) -> None:
        self.messages = [*messages]
        self.stays = asyncio.Event()
        self.responses: list[Message] = []

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop(0)
        await self.stays.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.responses.append(message)


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def answer(send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"no"})


def scope(*headers: tuple[bytes, bytes]) -> Scope:
    return {"type": "http", "headers": [*headers]}


@pytest.mark.parametrize(
    ("headers", "parts_read", "closes"),
    [
        ([], 0, False),
        ([(b"content-length", b"0")], 0, False),
        ([(b"content-length", b"2")], 0, True),
        ([(b"content-length", b"2")], 1, True),
        ([(b"content-length", b"2")], 2, False),
        ([(b"transfer-encoding", b"chunked")], 1, True),
        ([(b"transfer-encoding", b"chunked")], 2, False),
    ],
)
async def test_a_connection_with_an_unread_body_is_closed(
    headers: list[tuple[bytes, bytes]], parts_read: int, closes: bool
):
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(parts_read):
            await receive()
        await answer(send)

    caller = Caller(part(b"x", more=True), part(b"x"))
    await RequestFlows(app)(scope(*headers), caller.receive, caller.send)
    sent = caller.responses[0]["headers"]
    assert ((b"connection", b"close") in sent) == closes
    assert (b"a", b"b") in sent


async def test_what_a_request_has_taken_is_given_back_however_it_ends():
    given_back: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        flow_of(scope).at_end(lambda: given_back.append("taken"))
        raise KeyError

    caller = Caller()
    with pytest.raises(KeyError):
        await RequestFlows(app)(scope(), caller.receive, caller.send)
    assert given_back == ["taken"]


async def wait_forever(scope: Scope, receive: Receive, send: Send) -> None:
    message: Any = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
    await asyncio.Event().wait()


@pytest.mark.parametrize("body", [True, False])
async def test_a_caller_that_is_gone_ends_its_request(body: bool):
    caller = Caller(part(b"x", more=True), part(b"x")) if body else Caller(part(b""))
    headers = [(b"content-length", b"2")] if body else []
    caller.stays.set()
    async with asyncio.timeout(30):
        await RequestFlows(wait_forever)(scope(LEFT_TO_US, *headers), caller.receive, caller.send)
    assert caller.responses == []


async def test_without_the_header_the_server_looks_after_callers_that_are_gone():
    caller = Caller(part(b""))
    caller.stays.set()
    request = asyncio.create_task(RequestFlows(wait_forever)(scope(), caller.receive, caller.send))
    done, _ = await asyncio.wait({request}, timeout=0.6)
    assert not done
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


async def test_a_cancellation_by_the_server_passes():
    caller = Caller(part(b""))
    flow = RequestFlows(wait_forever)(scope(LEFT_TO_US), caller.receive, caller.send)
    request = asyncio.create_task(flow)
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
