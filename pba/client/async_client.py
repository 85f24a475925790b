"""The async client, and the source of the blocking one.

`python pba/client/generate.py` writes `sync_client.py` from this file, as httpcore does, and a test
holds the two equal. The alternative, a core that yields calls for two thin classes to run, would
still need every signature twice, or decorators that hide the docstrings from an editor.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from pba.client import requests, responses
from pba.client.async_reports import AsyncReports
from pba.client.async_streams import AsyncStreams
from pba.client.certificates import Cert
from pba.client.connection import open_connection
from pba.client.credentials import AsyncToken
from pba.client.requests import Samples
from pba.errors import PBAError
from pba.types import Forecast
from pba.types.transfer import TransferForecast

__all__ = ["AsyncPBAClient"]


class AsyncPBAClient(AsyncReports, AsyncStreams):
    """Calls a running service. Use `async with`, or call `close`.

    A call is repeated where the connection failed, the service is busy (429) or away (502, 503,
    504): after the time that the service's ``Retry-After`` says, at most 30 s, else after a random
    wait of at most 0.1 s, then 0.2 s and so on. That is safe: samples are stored once however often
    they are sent, and a forecast of one moment is scored once. `delete_link` and `set_flags` are
    repeated only where nothing was done: without a connection, and after 429 and 503.

    Parameters
    ----------
    url
        The address of the service, or several: a sequence, or text with commas. By default that of
        ``PBA_URL``, else ``http://127.0.0.1:8000``. Of several, one is used until it does not
        answer, then the next.
    timeout_s
        How long connecting, sending and each read of one try may take. With several addresses,
        connecting takes at most 2.5 s, and where no proxy is in between, a connection to a machine
        that is gone fails after 3 to 6 s.
    retries
        How often a call is repeated at most, beside one try at each further address.
    ca
        File or folder of the authorities that may sign the service's certificate. By default those
        of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else the public ones.
    cert
        The caller's certificate, for a service that wants one: a PEM file that holds its key too,
        or the pair of both files. The key has no password.
    proxy
        The address of a proxy. By default that of ``HTTP_PROXY``, ``HTTPS_PROXY`` or ``ALL_PROXY``,
        but for hosts in ``NO_PROXY`` and this machine.
    headers
        Sent with every request.
    api_key
        The caller's key, as ``pba keys create`` prints it. By default that of ``PBA_API_KEY``,
        unless ``headers`` or ``url`` authenticate already.
    token
        In place of a key: a function that returns a bearer token. It is called for every request
        and every repeated one, so it keeps its token until shortly before that ends. An answer 401
        raises `Unauthenticated` and is not repeated.

    Raises
    ------
    PBAError
        By every call: the error that the service sent, as the class it had there. `Unavailable`
        where nothing answers, or something else than PBA does (a login page, a proxy); `Busy` where
        that says 429. `Unauthenticated` where ``token`` raises or returns something else.
        Passwords, keys and values of ``headers`` are left out.
    InvalidRequest
        If one of the arguments cannot be used.
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        timeout_s: float = 30.0,
        retries: int = 2,
        *,
        ca: str | Path | None = None,
        cert: Cert | None = None,
        proxy: str | None = None,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
        token: AsyncToken | None = None,
    ) -> None:
        connection = open_connection(
            httpx.AsyncClient, url, timeout_s, ca, cert, proxy, headers, api_key, token
        )
        super().__init__(connection, retries)

    async def forecast(
        self,
        history: Samples,
        *,
        link_id: str | None = None,
        mode: str = "auto",
        allocation: Mapping[str, Any] | None = None,
        as_of_newest: bool = False,
    ) -> Forecast:
        """Return the forecast from ``history``; with a ``link_id`` both are stored.

        With ``allocation``, which is ``{}`` or limits as in docs/allocation.md, the forecast
        carries advice. ``as_of_newest`` forecasts as if the newest sample were measured now.
        """
        body = requests.request(history, link_id, mode, allocation)
        path = requests.forecast_path("/v1/forecast", as_of_newest)
        return await self._call("POST", path, Forecast.from_dict, body)

    async def forecasts(self, histories: Iterable[Samples]) -> list[Forecast | PBAError]:
        """Return for each history, in order, its forecast or its error."""
        body = requests.requests_body(histories)
        return await self._call("POST", "/v1/forecasts", responses.forecasts, body)

    async def observe(
        self,
        link_id: str,
        samples: Samples,
        *,
        forecast: bool = False,
        allocation: bool = False,
        as_of_newest: bool = False,
    ) -> dict[str, Any]:
        """Store samples of a link, in any order; return its receipt.

        That is ``accepted, duplicates, late, expired, ignored, refused, mode, reasons``. A sample
        that breaks a rule raises nothing and costs no other: it is in ``refused``, with its
        ``index`` and its ``error``.

        With ``forecast``, the receipt also holds what `link_forecast` would return next: as
        ``forecast`` the `Forecast`, with advice if ``allocation``, or as ``error`` the `PBAError`
        in its place. ``as_of_newest`` is as in `forecast`.

        Raises
        ------
        StoreUnavailable
            If the samples are not stored. With ``forecast``, its ``forecasts`` hold by link what
            follows from ``samples`` alone, with the reason ``not_recorded``.
        """
        body = requests.link_samples_body(samples)
        path = requests.link_path(link_id, "/samples")
        path = requests.observe_path(path, forecast, allocation, as_of_newest)
        return await self._call("POST", path, responses.receipt, body)

    async def observe_many(
        self,
        samples: Mapping[str, Samples],
        *,
        forecast: bool = False,
        allocation: bool = False,
        as_of_newest: bool = False,
    ) -> dict[str, dict[str, Any]]:
        """Store samples of many links; return what `observe` does for each link."""
        body = requests.links_samples_body(samples)
        path = requests.observe_path("/v1/samples", forecast, allocation, as_of_newest)
        return await self._call("POST", path, responses.receipts, body)

    async def link_forecast(self, link_id: str, *, as_of_newest: bool = False) -> Forecast:
        """Return the forecast from a link's stored history; ``as_of_newest`` as in `forecast`."""
        path = requests.forecast_path(requests.link_path(link_id, "/forecast"), as_of_newest)
        return await self._call("GET", path, Forecast.from_dict)

    async def link_forecasts(self, link_ids: Sequence[str]) -> list[Forecast | PBAError]:
        """Return for each link, in order, its forecast or its error."""
        body = {"link_ids": list(link_ids)}
        return await self._call("POST", "/v1/links/forecasts", responses.forecasts, body)

    async def transfer(
        self,
        size_bytes: int,
        *,
        link_id: str | None = None,
        history: Samples | None = None,
        mode: str = "auto",
        deadline_s: float | None = None,
        dirty_mbps: float | None = None,
        as_of_newest: bool = False,
        record: bool | None = None,
    ) -> TransferForecast:
        """Return how long a transfer takes, over a stored link or one with a ``history``.

        With ``dirty_mbps`` it is a live migration whose machine writes at that rate; see
        docs/transfers.md. ``as_of_newest`` is as in `forecast`. The answer for a stored link is
        scored, unless ``record`` is False.
        """
        body = requests.transfer_body(
            size_bytes,
            link_id=link_id,
            history=history,
            mode=mode,
            deadline_s=deadline_s,
            dirty_mbps=dirty_mbps,
            record=record,
        )
        path = requests.forecast_path("/v1/transfer", as_of_newest)
        return await self._call("POST", path, TransferForecast.from_dict, body)

    async def transfers(
        self, transfers: Iterable[Mapping[str, Any]]
    ) -> list[TransferForecast | PBAError]:
        """Return for each transfer, in order, how long it takes or its error.

        They are bodies as `pba.client.transfer_body` makes them.
        """
        body = {"requests": list(transfers)}
        return await self._call("POST", "/v1/transfers", responses.transfers, body)

    async def delete_link(self, link_id: str) -> None:
        """Delete a link and all that is stored of it."""
        await self._call("DELETE", requests.link_path(link_id), responses.anything)

    async def set_flags(
        self, changes: Mapping[str, Any], version: int, on_behalf_of: str, reason: str = ""
    ) -> dict[str, Any]:
        """Change flags that are at ``version``; return what `flags` returns afterwards.

        The audit records the name of the key, and ``on_behalf_of`` beside it, a person say, with
        the ``reason``.

        Raises
        ------
        Conflict
            If the flags are at another version by now.
        """
        body = {"version": version, "on_behalf_of": on_behalf_of, "flags": dict(changes)}
        # Not sent without one: a service of the release before does not know it.
        body |= {"reason": reason} if reason else {}
        return await self._call("PUT", "/v1/flags", responses.FLAGS, body)

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
