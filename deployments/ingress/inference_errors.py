"""Errors as the Open Inference Protocol has them: text, where PBA's own calls have an object."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["InferenceErrors", "is_inference"]

_PATH = "/v2"
_FIRST_ERROR = 400


def is_inference(path: str) -> bool:
    """Return whether ``path`` is one of the protocol."""
    return path == _PATH or path.startswith(f"{_PATH}/")


class InferenceErrors:
    """An ASGI application that answers as ``app``, with the message of an error in its place.

    Whoever refuses a request, routes or what lies before them: clients of the protocol read text.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] == "http" and is_inference(path):
            send = _with_text_errors(send)
        await self._app(scope, receive, send)


def _with_text_errors(send: Send) -> Send:
    start: Message | None = None
    body = bytearray()

    async def send_text(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and message["status"] >= _FIRST_ERROR:
            start = message
            return
        if start is None or message["type"] != "http.response.body":
            await send(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        text = _text_error(bytes(body))
        if text:  # a response to HEAD has none
            MutableHeaders(scope=start)["Content-Length"] = str(len(text))
        await send(start)
        await send({**message, "body": text})

    return send_text


def _text_error(body: bytes) -> bytes:
    """Return ``body`` with the message of its error in place of the error."""
    try:
        document: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    error = document.get("error") if isinstance(document, Mapping) else None
    if not isinstance(error, Mapping):
        return body
    return msgspec.json.encode({"error": error["message"]})
