"""Clients for a running service, blocking and async. They raise the errors of `pba.errors`."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from pba.errors import Busy, PBAError, Unavailable, from_body
from pba.types import COLUMNS, Forecast, History, NetworkMetrics

__all__ = ["AsyncPBAClient", "PBAClient", "Samples"]

Samples = History | Sequence[NetworkMetrics]
"""A history, or samples oldest first."""


class PBAClient:
    """Asks a running service; use it as a context manager, or `close` it.

    Parameters
    ----------
    url
        Where the service answers.
    timeout_s
        How long one call may take.

    Raises
    ------
    PBAError
        Every call: what the service refused, as the class it had there; `Unavailable` where it
        does not answer at all.
    """

    def __init__(self, url: str = "http://127.0.0.1:8000", timeout_s: float = 30.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False)

    def forecast(
        self, history: Samples, *, link_id: str | None = None, mode: str = "auto"
    ) -> Forecast:
        """Return the forecast from ``history``."""
        body = request(history, link_id=link_id, mode=mode)
        return Forecast.from_dict(self._call("POST", "/v1/forecast", body))

    def forecasts(self, histories: Iterable[Samples]) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each history, in order."""
        body = {"requests": [request(history) for history in histories]}
        return _items(self._call("POST", "/v1/forecasts", body))

    def models(self) -> dict[str, Any]:
        """Return what serves each mode."""
        told: dict[str, Any] = self._call("GET", "/v1/models")["models"]
        return told

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return _read(self._http.request(method, path, json=body))
        except httpx.TransportError as error:
            raise _away(self._http.base_url, error) from error


class AsyncPBAClient:
    """`PBAClient` for asyncio: the same calls, awaited."""

    def __init__(self, url: str = "http://127.0.0.1:8000", timeout_s: float = 30.0) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s, trust_env=False)

    async def forecast(
        self, history: Samples, *, link_id: str | None = None, mode: str = "auto"
    ) -> Forecast:
        """Return the forecast from ``history``."""
        body = request(history, link_id=link_id, mode=mode)
        return Forecast.from_dict(await self._call("POST", "/v1/forecast", body))

    async def forecasts(self, histories: Iterable[Samples]) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each history, in order."""
        body = {"requests": [request(history) for history in histories]}
        return _items(await self._call("POST", "/v1/forecasts", body))

    async def models(self) -> dict[str, Any]:
        """Return what serves each mode."""
        told: dict[str, Any] = (await self._call("GET", "/v1/models"))["models"]
        return told

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return _read(await self._http.request(method, path, json=body))
        except httpx.TransportError as error:
            raise _away(self._http.base_url, error) from error


def request(history: Samples, *, link_id: str | None = None, mode: str = "auto") -> dict[str, Any]:
    """Return the wire form of one request; what was not measured is left out."""
    checked = history if isinstance(history, History) else History.of(history)
    rows = zip(checked.timestamps_s.tolist(), checked.telemetry.tolist(), strict=True)
    samples = [
        {"timestamp": moment}
        | {name: value for name, value in zip(COLUMNS, row, strict=True) if value == value}
        for moment, row in rows
    ]
    named = {} if link_id is None else {"link_id": link_id}
    return {"history": samples, "mode": mode, **named}


def _items(answer: Any) -> list[Forecast | PBAError]:
    return [
        Forecast.from_dict(item["forecast"]) if "forecast" in item else from_body(item["error"])
        for item in answer["forecasts"]
    ]


def _read(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json()
    try:
        told = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        kind = Busy if response.status_code == 429 else Unavailable
        raise kind(f"the service answered {response.status_code}: {response.text[:200]}") from None
    raise from_body(told)


def _away(url: httpx.URL, error: httpx.TransportError) -> Unavailable:
    return Unavailable(f"{url} does not answer: {error!r}. Start it with `make serve`.")
