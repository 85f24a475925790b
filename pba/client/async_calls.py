"""A call of the async client, and the source of the blocking one's (`generate.py`)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
from tenacity import AsyncRetrying

from pba.client import responses
from pba.client.connection import Connection
from pba.client.retries import retry_arguments

__all__ = ["AsyncCalls"]

T = TypeVar("T")


class AsyncCalls:
    """Sends requests over ``connection``, each again up to ``retries`` times."""

    def __init__(self, connection: Connection[httpx.AsyncClient], retries: int) -> None:
        self._connection = connection
        self._http = connection.http
        self._retries = retries

    async def _call(
        self,
        method: str,
        path: str,
        parse: Callable[[Any], T],
        body: Mapping[str, Any] | None = None,
    ) -> T:
        retrying = AsyncRetrying(**retry_arguments(self._connection, self._retries, method))
        try:
            response: httpx.Response = await retrying(self._http.request, method, path, json=body)
        except httpx.RequestError as error:
            raise responses.unreachable(error) from error
        return responses.read(response, parse)
