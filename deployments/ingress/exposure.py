"""On which addresses a service is reached, and the warning of one that lets everybody in there."""

import asyncio
import logging

from ray.serve.context import _get_global_client

from pba.serving.callers import Callers

from ..addresses import is_loopback
from ..settings import Settings, haproxy_host

__all__ = ["is_on_loopback", "warn_while_open"]

_log = logging.getLogger("ray.serve")


async def is_on_loopback(settings: Settings) -> bool:
    """Return whether HTTP and gRPC are answered on loopback alone, as far as Ray Serve can say."""
    hosts = [haproxy_host() or await _http_host()]
    if settings.grpc_port:
        hosts.append(settings.grpc_host)
    return all(map(is_loopback, hosts))


async def warn_while_open(callers: Callers, every_s: float = 3600.0) -> None:
    """Log a warning now and every ``every_s`` at which ``callers`` lets everybody in."""
    while True:
        if callers.lets_everybody_in:
            why = "PBA_INSECURE is true, other machines reach the service, and it has no key"
            _log.warning("insecure", extra={"why": why})
        await asyncio.sleep(every_s)


async def _http_host() -> str:
    """Return where the proxies of this Serve listen, which no argument of the application holds."""
    client = _get_global_client()
    assert client is not None, "a replica has one"
    options = await client._controller.get_http_config.remote()
    return str(options.host)
