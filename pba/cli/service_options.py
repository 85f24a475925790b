"""The options by which a command reaches a running service; `with_service` adds them to it."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import typer

from pba.client import AsyncPBAClient, PBAClient
from pba.client.certificates import Cert
from pba.client.connection import DEFAULT_URL
from pba.errors import InvalidRequest

__all__ = ["Service", "with_service"]

Url = Annotated[
    str | None,
    typer.Option(
        help="The address of the service, or several with commas between. Default: PBA_URL, else "
        f"{DEFAULT_URL}."
    ),
]
Ca = Annotated[
    Path | None,
    typer.Option(help="Authorities that may sign its certificate. Default: SSL_CERT_FILE."),
]
CertFile = Annotated[Path | None, typer.Option("--cert", help="The caller's certificate, in PEM.")]
KeyFile = Annotated[
    Path | None, typer.Option("--key", help="The file of its key, if --cert does not hold it.")
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", help="Sent with each request, as 'Name: value'; may be repeated."),
]
_OPTIONS = {"url": Url, "ca": Ca, "cert": CertFile, "key": KeyFile, "header": Headers}


class _Arguments(TypedDict):
    ca: Path | None
    cert: Cert | None
    headers: dict[str, str]


@dataclass(frozen=True)
class Service:
    """Where a service is and how it is called; the key comes from ``PBA_API_KEY`` alone.

    Keys are no option, since every user of a machine sees the options of its commands.
    """

    url: str | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    header: Sequence[str] | None = None

    def client(self) -> PBAClient:
        """Return a new client."""
        return PBAClient(self.url, **self._arguments())

    def async_client(self) -> AsyncPBAClient:
        """Return a new async client."""
        return AsyncPBAClient(self.url, **self._arguments())

    def _arguments(self) -> _Arguments:
        if self.key and not self.cert:
            raise InvalidRequest("--key is of a certificate. Name that with --cert.")
        cert = (self.cert, self.key) if self.cert and self.key else self.cert
        return {"ca": self.ca, "cert": cert, "headers": dict(map(_header, self.header or ()))}


def with_service(command: Callable[..., None]) -> Callable[..., None]:
    """Return ``command`` with the options of a `Service` in place of its parameter ``service``."""
    parameters = dict(inspect.signature(command).parameters)
    del parameters["service"]
    added = {
        name: inspect.Parameter(
            name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None, annotation=option
        )
        for name, option in _OPTIONS.items()
    }

    @functools.wraps(command)
    def with_options(**arguments: Any) -> None:
        service = Service(**{name: arguments.pop(name) for name in _OPTIONS})
        command(**arguments, service=service)

    everything = [*parameters.values(), *added.values()]
    with_options.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
    with_options.__annotations__ = {each.name: each.annotation for each in everything}
    return with_options


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise InvalidRequest(
            f"a --header has no colon; it is 'Name: value'. It has {len(text)} "
            "characters, which are not shown."
        )
    return name.strip(), value.strip()
