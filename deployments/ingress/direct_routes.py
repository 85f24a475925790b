"""The calls that controllers make all the time, without FastAPI's routing and dependencies.

FastAPI has the same routes: OpenAPI describes them, and they answer requests with a path prefix.
"""

from collections.abc import Iterable

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from pba.errors import PBAError

from .http import pba_error_response, unexpected_error_response

__all__ = ["DirectRoutes"]


class DirectRoutes:
    """An ASGI application that calls the endpoints of some routes itself, and passes on the rest.

    Parameters
    ----------
    app
        The application; errors get the same responses as there.
    routes
        Routes of ``app`` with a fixed path, whose endpoints take the request alone.
    """

    def __init__(self, app: FastAPI, routes: Iterable[APIRoute]) -> None:
        self._app = app
        self._endpoints = {
            (method, route.path): route.endpoint
            for route in routes
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        endpoint = self._endpoints.get((scope.get("method", ""), scope.get("path", "")))
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        try:
            response = await endpoint(Request(scope, receive, send))
        except PBAError as error:
            response = pba_error_response(error)
        except Exception as error:
            await unexpected_error_response(error)(scope, receive, send)
            raise  # so that Serve logs it
        await response(scope, receive, send)
