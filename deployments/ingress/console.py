"""The operators' page: the files of `deployments/console`, and sessions, which hold a key.

What a session is and what it counts for is in `session`.
"""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from msgspec import Struct
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pba.errors import InvalidRequest, PBAError
from pba.security.identity import Identity

from .access_control import authorization_of, identity_of, known_identity
from .body_decoding import read_document
from .http import body_of, http_exception, json_response, pba_error_response, services_of
from .session import COOKIE, Session, session_of
from .trace_upload import UPLOAD_MB, Upload, UploadReader

__all__ = ["CONSOLE", "add_console"]

CONSOLE = "/console"
"""Where the page is."""

_FILES = Path(__file__).parents[1] / "console"
_SESSION_S = 12 * 3600
_BODY_MB = 0.01
_MOST_CHARACTERS = 3800


class _SessionRequest(Struct, forbid_unknown_fields=True):
    key: str


def add_console(app: FastAPI) -> None:
    """Add the page to ``app``, whose state has the services."""
    console = Starlette(
        routes=[
            Route("/session", _show_session, methods=["GET"]),
            Route("/session", _open_session, methods=["POST"]),
            Route("/session", _end_session, methods=["DELETE"]),
            Route("/traces", _read_trace, methods=["POST"]),
            Mount("/", _Files(directory=_FILES, html=True)),
        ],
        exception_handlers={HTTPException: http_exception},
    )
    console.state = app.state
    app.state.uploads = UploadReader()
    app.router.routes.append(Route(CONSOLE, _with_slash))
    app.mount(CONSOLE, console)


class _Files(StaticFiles):
    """Files that a browser checks for changes each time: an upgrade shows at once."""

    def is_not_modified(self, response_headers: Headers, request_headers: Headers) -> bool:
        """Return whether the browser has the file; called by Starlette for every file."""
        response_headers["Cache-Control"] = "no-cache"  # type: ignore[index]
        return super().is_not_modified(response_headers, request_headers)


async def _with_slash(_: Request) -> Response:
    """Lead to the page below the path, where its relative links work."""
    return RedirectResponse(f"{CONSOLE.removeprefix('/')}/")


async def _show_session(request: Request) -> Response:
    """Return who looks, what that caller may do, and what the page sends with a change."""
    callers = services_of(request).callers
    identity = known_identity(request.scope)
    try:
        identity = identity or callers.identify(authorization_of(request.scope), None)
    except PBAError as error:
        return pba_error_response(error)
    return _session_response(identity, session_of(request.scope))


def _session_response(identity: Identity, session: Session | None) -> Response:
    token = None if session is None else session.csrf_token
    return json_response({**identity.as_dict(), "calls": identity.calls, "csrf_token": token})


async def _open_session(request: Request) -> Response:
    """Check a key, and answer with the cookie that sends it from now on."""
    services = services_of(request)
    try:
        key = read_document(await body_of(request, _BODY_MB), _SessionRequest).key
        _check_length(key)
        identity = services.callers.identify(f"Bearer {key}", None)
    except PBAError as error:
        return pba_error_response(error)
    session = Session.new(key)
    response = _session_response(identity, session)
    response.set_cookie(
        COOKIE,
        session.cookie,
        max_age=_SESSION_S,
        path=_path(request),
        secure=services.settings.certificate_files is not None or _is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return response


async def _read_trace(request: Request) -> Response:
    """Return a file of measurements as histories, for forecasts of it; nothing is stored."""
    try:
        identity_of(request.scope).require("forecast")
        upload = read_document(await body_of(request, UPLOAD_MB), Upload)
        document = await request.app.state.uploads.read(upload)
    except PBAError as error:
        return pba_error_response(error)
    return json_response(document)


async def _end_session(request: Request) -> Response:
    """Have the browser forget the key."""
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path=_path(request), httponly=True, samesite="strict")
    return response


def _check_length(key: str) -> None:
    """Refuse what a browser would silently not keep."""
    if len(key) > _MOST_CHARACTERS:
        raise InvalidRequest(
            f"the key has {len(key)} characters; a cookie holds {_MOST_CHARACTERS}. Use a shorter "
            "token, or a key.",
            "key",
        )


def _path(request: Request) -> str:
    """Return the path below which the service answers, as the browser knows it."""
    return str(request.scope.get("root_path", "")).removesuffix(CONSOLE) or "/"


def _is_secure(request: Request) -> bool:
    """Return whether the page came over TLS, which a proxy may have ended."""
    return request.headers.get("origin", "").startswith("https://")
