"""Which requests are sent again, and when; tenacity does the counting and the waiting.

tenacity rather than stamina, which is built on it: it offers a random exponential wait, a wait may
read the response, and it neither logs nor counts retries behind a caller's back.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypedDict

import httpx
from tenacity import (
    RetryCallState,
    retry_if_exception_type,
    retry_if_result,
    wait_random_exponential,
)
from tenacity.retry import retry_base

from pba.client.connection import Connection

__all__ = ["RetryArguments", "retry_after_s", "retry_arguments"]

_CHANGES = frozenset({"PUT", "DELETE"})
_NOTHING_DONE = frozenset({429, 503})
_STATUSES = _NOTHING_DONE | {502, 504}
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_UNCONNECTED = (*_UNREACHED, httpx.PoolTimeout)  # the last waits for calls of the client's own
_MAX_WAIT_S = 30.0
_backoff = wait_random_exponential(multiplier=0.1, max=_MAX_WAIT_S)


class RetryArguments(TypedDict):
    """The arguments of `tenacity.Retrying` and `tenacity.AsyncRetrying` that PBA sets."""

    retry: retry_base
    stop: Callable[[RetryCallState], bool]
    wait: Callable[[RetryCallState], float]
    after: Callable[[RetryCallState], None]
    retry_error_callback: Callable[[RetryCallState], Any]


def retry_arguments(connection: Connection[Any], retries: int, method: str) -> RetryArguments:
    """Return how a function that returns an `httpx.Response` is called again.

    It is called again, at most ``retries`` times, where the connection failed or the status is 429,
    502, 503 or 504. All but 429 concern one address of ``connection``: the next is used from then
    on, and for each address more than one there is another try. The first try at each follows at
    once where nothing could be sent. Else the wait before is what ``Retry-After`` says, at most
    30 s; without that header it is random, at most 0.1 s, then 0.2 s and so on, so that callers who
    failed together do not return together. In the end the last response is returned, or the last
    exception raised.

    Of the service's calls, those of ``method`` POST store and forecast once however often they are
    sent. PUT and DELETE make changes: where the answer alone was lost, a second try would report a
    conflict or a missing link although the first succeeded. They are called again only where
    nothing can have been done: without a connection, and after 429 and 503.
    """
    changes = method in _CHANGES
    statuses = _NOTHING_DONE if changes else _STATUSES
    errors = _UNCONNECTED if changes else httpx.TransportError
    return {
        "retry": retry_if_exception_type(errors)
        | retry_if_result(lambda response: response.status_code in statuses),
        "stop": partial(_is_last, retries, len(connection.urls)),
        "wait": partial(_wait_s, len(connection.urls)),
        "after": partial(_leave, connection),
        "retry_error_callback": _outcome,
    }


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the wait that ``Retry-After`` prescribes, 0 to 30 s; None without a valid one.

    The header is a number of seconds or an HTTP date (RFC 9110, section 10.2.3). A date is compared
    with the response's own ``Date``, so that the two clocks need not agree.

    Examples
    --------
    >>> retry_after_s(httpx.Response(429, headers={"Retry-After": "3"}))
    3.0
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return min(float(value), _MAX_WAIT_S)
    moment = _date(value)
    if moment is None:
        return None
    sent = _date(response.headers.get("date", "")) or datetime.now(UTC)
    return min(max((moment - sent).total_seconds(), 0.0), _MAX_WAIT_S)


def _date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_last(retries: int, addresses: int, state: RetryCallState) -> bool:
    """Return whether a try was the last: a busy service is so at every address."""
    response = _response(state)
    busy = response is not None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    return state.attempt_number >= retries + (1 if busy else addresses)


def _wait_s(addresses: int, state: RetryCallState) -> float:
    response = _response(state)
    if isinstance(_error(state), _UNREACHED) and state.attempt_number < addresses:
        return 0.0
    prescribed_s = None if response is None else retry_after_s(response)
    return _backoff(state) if prescribed_s is None else prescribed_s


def _leave(connection: Connection[Any], state: RetryCallState) -> None:
    """Have ``connection`` use the next address, unless the service is merely busy."""
    response, error = _response(state), _error(state)
    if response is None:
        if isinstance(error, httpx.RequestError) and not isinstance(error, httpx.PoolTimeout):
            connection.leave(error.request.url)
    elif response.status_code != HTTPStatus.TOO_MANY_REQUESTS:
        connection.leave(response.request.url)


def _response(state: RetryCallState) -> httpx.Response | None:
    """Return the response of a try, None if there was none."""
    assert state.outcome is not None
    return None if state.outcome.failed else state.outcome.result()


def _error(state: RetryCallState) -> BaseException | None:
    assert state.outcome is not None
    return state.outcome.exception()


def _outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()
