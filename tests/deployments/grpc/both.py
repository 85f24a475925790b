"""One service, called over HTTP and over gRPC."""

from typing import Any

import grpc
import httpx
from google.protobuf.message import Message

from tests.deployments.grpc.comparable_answers import as_document, comparable
from tests.deployments.grpc.messages import call
from tests.deployments.grpc.parity import Pair

__all__ = ["Both"]


class Both:
    """A client of each protocol."""

    def __init__(self, client: httpx.AsyncClient, channel: grpc.aio.Channel) -> None:
        self._client, self._channel = client, channel

    async def http(self, verb: str, target: str, body: Any = None) -> Any:
        """Return the document, or the error with its code, message and field."""
        return comparable((await self._client.request(verb, target, json=body)).json())

    async def grpc(self, method: str, message: Message, *part: str) -> Any:
        """Return the same of a method; ``part`` leads to where it lies in the response."""
        try:
            response = await call(self._channel, method, message)
        except grpc.aio.AioRpcError as error:
            metadata = dict(error.trailing_metadata())
            field = {"field": metadata["pba-error-field"]} if "pba-error-field" in metadata else {}
            return {
                "error": {"code": metadata["pba-error-code"], "message": error.details(), **field}
            }
        document: Any = as_document(response)
        for name in part:
            document = document[name]
        return comparable(document)

    async def answers(self, pair: Pair) -> tuple[Any, Any]:
        """Return what HTTP answers, and what gRPC does."""
        method = pair.method.partition("/")[2]
        return (
            await self.http(pair.way.split()[0], pair.target, pair.body),
            await self.grpc(method, pair.message, *pair.part),
        )
