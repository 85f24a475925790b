"""The calls that controllers make all the time, without FastAPI's routing and dependencies.

FastAPI has the same routes: OpenAPI describes them, and they answer what is not answered here,
such as requests with a query, and HEAD.
"""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from pba.errors import PBAError

from .http import pba_error_response, unexpected_error_response
from .http_middleware import HttpMiddleware, has_escaped_slash

__all__ = ["DirectRoutes"]

_Endpoint = Callable[[Request], Awaitable[Response]]


class DirectRoutes:
    """An ASGI application that calls the endpoints of some routes itself, and passes on the rest.

    Parameters
    ----------
    app
        The application; errors get the same responses as there.
    routes
        Routes of ``app`` whose endpoints take the request and strings in the path. Other parameters
        have defaults.
    """

    def __init__(self, app: FastAPI, routes: Iterable[APIRoute]) -> None:
        self._app, self._others = app, HttpMiddleware(app)
        self._fixed: dict[tuple[str, str], _Endpoint] = {}
        self._named: list[APIRoute] = []
        for route in routes:
            if route.param_convertors:
                self._named.append(route)
            else:
                keys = [(method, route.path) for method in route.methods or ()]
                self._fixed |= dict.fromkeys(keys, route.endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        endpoint = self._endpoint(scope) if scope["type"] == "http" else None
        if endpoint is None:
            await self._others(scope, receive, send)
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

    def _endpoint(self, scope: Scope) -> _Endpoint | None:
        if scope["query_string"]:
            return None
        method, path = scope["method"], scope["path"]
        if root_path := scope.get("root_path"):
            path = path.removeprefix(root_path)
        if endpoint := self._fixed.get((method, path)):
            return endpoint
        for route in self._named:
            match = route.path_regex.match(path)
            if match and method in (route.methods or ()) and not has_escaped_slash(scope):
                return partial(route.endpoint, **match.groupdict())
        return None
