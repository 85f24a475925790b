"""Clients for a running service, blocking and async. They raise the errors of `pba.errors`."""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx

from pba.errors import Busy, PBAError, Unavailable, from_body
from pba.types import COLUMNS, Forecast, History, NetworkMetrics

__all__ = ["AsyncPBAClient", "PBAClient", "Samples"]

Samples = History | Sequence[NetworkMetrics]
"""A history, or samples oldest first."""

_FIRST_WAIT_S = 0.1


class PBAClient:
    """Asks a running service; use it as a context manager, or `close` it.

    A call that finds the service busy, away or out of reach is made again after a random wait of
    up to 0.1 s, then 0.2 s and so on. That is safe for all of them: samples are stored once however
    often they are sent, and a forecast of one moment is scored once.

    Parameters
    ----------
    url
        Where the service answers.
    timeout_s
        How long one try may take.
    retries
        How often a call is made again.

    Raises
    ------
    PBAError
        Every call: what the service refused, as the class it had there; `Unavailable` where it
        does not answer at all.
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8000", timeout_s: float = 30.0, retries: int = 2
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False)
        self._retries = retries

    def forecast(
        self,
        history: Samples,
        *,
        link_id: str | None = None,
        mode: str = "auto",
        allocation: Mapping[str, Any] | None = None,
    ) -> Forecast:
        """Return the forecast from ``history``; with a ``link_id`` both are stored.

        With ``allocation``, ``{}`` or limits as in docs/allocation.md, it holds advice.
        """
        answer = self._call(
            _Call("POST", "/v1/forecast", request(history, link_id, mode, allocation))
        )
        return Forecast.from_dict(answer)

    def forecasts(self, histories: Iterable[Samples]) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each history, in order."""
        return _items(self._call(_Call("POST", "/v1/forecasts", _requests(histories))))

    def observe(self, link_id: str, samples: Samples) -> dict[str, Any]:
        """Store samples of a link; return ``accepted, duplicates, late, expired, mode``."""
        told: dict[str, Any] = self._call(_observe(link_id, samples))
        return told

    def observe_many(self, samples: Mapping[str, Samples]) -> dict[str, dict[str, Any]]:
        """Store samples of many links, all or none; return what became of each link's."""
        told: dict[str, dict[str, Any]] = self._call(_observe_many(samples))["links"]
        return told

    def link_forecast(self, link_id: str) -> Forecast:
        """Return the forecast from a link's stored history."""
        return Forecast.from_dict(self._call(_Call("GET", _path(link_id, "/forecast"))))

    def link_forecasts(self, link_ids: Sequence[str]) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each link, in order."""
        body = {"link_ids": list(link_ids)}
        return _items(self._call(_Call("POST", "/v1/links/forecasts", body)))

    def link(self, link_id: str) -> dict[str, Any]:
        """Return what is known of a link."""
        told: dict[str, Any] = self._call(_Call("GET", _path(link_id)))
        return told

    def delete_link(self, link_id: str) -> None:
        """Have the service forget a link and all that it knows of it."""
        self._call(_Call("DELETE", _path(link_id)))

    def models(self) -> dict[str, Any]:
        """Return what serves each mode."""
        told: dict[str, Any] = self._call(_Call("GET", "/v1/models"))["models"]
        return told

    def metrics(self) -> dict[str, Any]:
        """Return how forecasts turned out and how long they took, by mode and overall."""
        told: dict[str, Any] = self._call(_Call("GET", "/v1/metrics"))
        return told

    def flags(self) -> dict[str, Any]:
        """Return ``version, flags, changed_at, changed_by``."""
        told: dict[str, Any] = self._call(_Call("GET", "/v1/flags"))
        return told

    def set_flags(self, changes: Mapping[str, Any], version: int, who: str) -> dict[str, Any]:
        """Change flags that are at ``version``; return what `flags` does then.

        Raises
        ------
        Conflict
            If they were changed since.
        """
        body = {"version": version, "who": who, "flags": dict(changes)}
        told: dict[str, Any] = self._call(_Call("PUT", "/v1/flags", body))
        return told

    def rollout(self, since: str | None = None) -> dict[str, Any]:
        """Return how v3 does beside v1, since the flags' last change unless told otherwise."""
        query = "" if since is None else f"?since={quote(since)}"
        told: dict[str, Any] = self._call(_Call("GET", f"/v1/rollout{query}"))
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

    def _call(self, call: "_Call") -> Any:
        for tried in range(self._retries):
            try:
                return self._try(call)
            except (Busy, Unavailable):
                time.sleep(_wait_s(tried))
        return self._try(call)

    def _try(self, call: "_Call") -> Any:
        try:
            return _read(self._http.request(call.method, call.path, json=call.body))
        except httpx.TransportError as error:
            raise _away(self._http.base_url, error) from error


class AsyncPBAClient:
    """`PBAClient` for asyncio: the same calls, awaited."""

    def __init__(
        self, url: str = "http://127.0.0.1:8000", timeout_s: float = 30.0, retries: int = 2
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout_s, trust_env=False)
        self._retries = retries

    async def forecast(
        self,
        history: Samples,
        *,
        link_id: str | None = None,
        mode: str = "auto",
        allocation: Mapping[str, Any] | None = None,
    ) -> Forecast:
        """Return the forecast from ``history``; with a ``link_id`` both are stored.

        With ``allocation``, ``{}`` or limits as in docs/allocation.md, it holds advice.
        """
        answer = await self._call(
            _Call("POST", "/v1/forecast", request(history, link_id, mode, allocation))
        )
        return Forecast.from_dict(answer)

    async def forecasts(self, histories: Iterable[Samples]) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each history, in order."""
        return _items(await self._call(_Call("POST", "/v1/forecasts", _requests(histories))))

    async def observe(self, link_id: str, samples: Samples) -> dict[str, Any]:
        """Store samples of a link; return ``accepted, duplicates, late, expired, mode``."""
        told: dict[str, Any] = await self._call(_observe(link_id, samples))
        return told

    async def observe_many(self, samples: Mapping[str, Samples]) -> dict[str, dict[str, Any]]:
        """Store samples of many links, all or none; return what became of each link's."""
        told: dict[str, dict[str, Any]] = (await self._call(_observe_many(samples)))["links"]
        return told

    async def link_forecast(self, link_id: str) -> Forecast:
        """Return the forecast from a link's stored history."""
        return Forecast.from_dict(await self._call(_Call("GET", _path(link_id, "/forecast"))))

    async def link_forecasts(self, link_ids: Sequence[str]) -> list[Forecast | PBAError]:
        """Return a forecast, or what is wrong, for each link, in order."""
        body = {"link_ids": list(link_ids)}
        return _items(await self._call(_Call("POST", "/v1/links/forecasts", body)))

    async def link(self, link_id: str) -> dict[str, Any]:
        """Return what is known of a link."""
        told: dict[str, Any] = await self._call(_Call("GET", _path(link_id)))
        return told

    async def delete_link(self, link_id: str) -> None:
        """Have the service forget a link and all that it knows of it."""
        await self._call(_Call("DELETE", _path(link_id)))

    async def models(self) -> dict[str, Any]:
        """Return what serves each mode."""
        told: dict[str, Any] = (await self._call(_Call("GET", "/v1/models")))["models"]
        return told

    async def metrics(self) -> dict[str, Any]:
        """Return how forecasts turned out and how long they took, by mode and overall."""
        told: dict[str, Any] = await self._call(_Call("GET", "/v1/metrics"))
        return told

    async def flags(self) -> dict[str, Any]:
        """Return ``version, flags, changed_at, changed_by``."""
        told: dict[str, Any] = await self._call(_Call("GET", "/v1/flags"))
        return told

    async def set_flags(self, changes: Mapping[str, Any], version: int, who: str) -> dict[str, Any]:
        """Change flags that are at ``version``; return what `flags` does then.

        Raises
        ------
        Conflict
            If they were changed since.
        """
        body = {"version": version, "who": who, "flags": dict(changes)}
        told: dict[str, Any] = await self._call(_Call("PUT", "/v1/flags", body))
        return told

    async def rollout(self, since: str | None = None) -> dict[str, Any]:
        """Return how v3 does beside v1, since the flags' last change unless told otherwise."""
        query = "" if since is None else f"?since={quote(since)}"
        told: dict[str, Any] = await self._call(_Call("GET", f"/v1/rollout{query}"))
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

    async def _call(self, call: "_Call") -> Any:
        for tried in range(self._retries):
            try:
                return await self._try(call)
            except (Busy, Unavailable):
                await asyncio.sleep(_wait_s(tried))
        return await self._try(call)

    async def _try(self, call: "_Call") -> Any:
        try:
            return _read(await self._http.request(call.method, call.path, json=call.body))
        except httpx.TransportError as error:
            raise _away(self._http.base_url, error) from error


class _Call(NamedTuple):
    """What is asked."""

    method: str
    path: str
    body: Any = None


def _path(link_id: str, below: str = "") -> str:
    return f"/v1/links/{quote(link_id, safe='')}{below}"


def _requests(histories: Iterable[Samples]) -> dict[str, Any]:
    return {"requests": [request(history) for history in histories]}


def _observe(link_id: str, samples: Samples) -> _Call:
    return _Call("POST", _path(link_id, "/samples"), {"samples": _rows(samples)})


def _observe_many(samples: Mapping[str, Samples]) -> _Call:
    rows = [
        {"link_id": link_id} | row for link_id, given in samples.items() for row in _rows(given)
    ]
    return _Call("POST", "/v1/samples", {"samples": rows})


def request(
    history: Samples,
    link_id: str | None = None,
    mode: str = "auto",
    allocation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the wire form of one request."""
    named = {} if link_id is None else {"link_id": link_id}
    advised = {} if allocation is None else {"allocation": dict(allocation)}
    return {"history": _rows(history), "mode": mode, **named, **advised}


def _rows(samples: Samples) -> list[dict[str, Any]]:
    """Return the wire form of samples; what was not measured is left out."""
    checked = samples if isinstance(samples, History) else History.of(samples)
    rows = zip(checked.timestamps_s.tolist(), checked.telemetry.tolist(), strict=True)
    return [
        {"timestamp": moment}
        | {name: value for name, value in zip(COLUMNS, row, strict=True) if value == value}
        for moment, row in rows
    ]


def _wait_s(tried: int) -> float:
    """Return a random wait, so that callers who failed together do not come back together."""
    return random.uniform(0.0, _FIRST_WAIT_S * 2.0**tried)


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
