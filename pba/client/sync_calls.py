"""The blocking calls. Generated from `async_calls.py` by `generate.py`: edit there."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
from tenacity import Retrying

from pba.client import responses
from pba.client.connection import Connection
from pba.client.retries import retry_arguments

__all__ = ["Calls"]

T = TypeVar("T")


class Calls:
    """Sends requests over ``connection``, each again up to ``retries`` times."""

    def __init__(self, connection: Connection[httpx.Client], retries: int) -> None:
        self._connection = connection
        self._http = connection.http
        self._retries = retries

    def _call(
        self,
        method: str,
        path: str,
        parse: Callable[[Any], T],
        body: Mapping[str, Any] | None = None,
    ) -> T:
        retrying = Retrying(**retry_arguments(self._connection, self._retries, method))
        try:
            response: httpx.Response = retrying(self._http.request, method, path, json=body)
        except httpx.RequestError as error:
            raise responses.unreachable(error) from error
        return responses.read(response, parse)
