"""The calls that controllers make all the time, without FastAPI's routing and dependencies.

FastAPI has the same routes: OpenAPI describes them, and they answer what is not answered here,
such as HEAD, and requests with another query than the usual ones.
"""

import inspect
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from pba.errors import PBAError

from .http import pba_error_response, unexpected_error_response
from .http_middleware import HttpMiddleware, has_escaped_slash
from .openapi import call_of

__all__ = ["DirectRoutes"]

_Endpoint = Callable[..., Awaitable[Response]]
_Check = Callable[[Scope, str | None], None]

_OPTIONS: Mapping[bytes, tuple[str, Any]] = {
    b"forecast=true": ("forecast", True),
    b"allocation=true": ("allocation", True),
    b"as_of=newest": ("as_of", "newest"),
}
"""Parts of a query, and the parameter that each stands for."""


class _Target(NamedTuple):
    endpoint: _Endpoint
    parameters: frozenset[str]
    call: str | None


class DirectRoutes:
    """An ASGI application that calls the endpoints of some routes itself, and passes on the rest.

    Parameters
    ----------
    app
        The application; errors get the same responses as there.
    routes
        Routes of ``app`` whose endpoints take the request and strings in the path. Other parameters
        have defaults; of a query, only `_OPTIONS` that the endpoint has are understood.
    check
        Raises a `PBAError` if the caller may not make the call of a route.
    """

    def __init__(self, app: FastAPI, routes: Iterable[APIRoute], check: _Check) -> None:
        self._app, self._others, self._check = app, HttpMiddleware(app), check
        self._fixed: dict[tuple[str, str], _Target] = {}
        self._named: list[tuple[APIRoute, _Target]] = []
        for route in routes:
            names = frozenset(inspect.signature(route.endpoint).parameters)
            target = _Target(route.endpoint, names, call_of(route))
            if route.param_convertors:
                self._named.append((route, target))
            else:
                keys = [(method, route.path) for method in route.methods or ()]
                self._fixed |= dict.fromkeys(keys, target)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or handle another event of ASGI."""
        endpoint, call = self._endpoint(scope) if scope["type"] == "http" else (None, None)
        if endpoint is None:
            await self._others(scope, receive, send)
            return
        scope["app"] = self._app
        try:
            self._check(scope, call)
            response = await endpoint(Request(scope, receive, send))
        except PBAError as error:
            response = pba_error_response(error)
        except Exception as error:
            await unexpected_error_response(error)(scope, receive, send)
            raise  # so that Serve logs it
        await response(scope, receive, send)

    def _endpoint(self, scope: Scope) -> tuple[_Endpoint | None, str | None]:
        """Return what answers the request, and the name of the call that it is."""
        target, names = self._target(scope)
        if target is None:
            return None, None
        options = _options(scope["query_string"], target.parameters)
        endpoint = None if options is None else partial(target.endpoint, **names, **options)
        return endpoint, target.call

    def _target(self, scope: Scope) -> tuple[_Target | None, dict[str, str]]:
        """Return what answers the path, and the names in it."""
        method, path = scope["method"], scope["path"]
        if root_path := scope.get("root_path"):
            path = path.removeprefix(root_path)
        if target := self._fixed.get((method, path)):
            return target, {}
        for route, target in self._named:
            match = route.path_regex.match(path)
            if match and method in (route.methods or ()) and not has_escaped_slash(scope):
                return target, match.groupdict()
        return None, {}


def _options(query: bytes, parameters: Container[str]) -> dict[str, Any] | None:
    """Return the arguments in ``query``, None if FastAPI has to read it."""
    options: dict[str, Any] = {}
    for part in query.split(b"&") if query else ():
        name, value = _OPTIONS.get(part, (None, None))
        if name is None or name not in parameters:
            return None
        options[name] = value
    return options
