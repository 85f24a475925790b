"""On which addresses a service is reached: only this machine's programs reach loopback."""

import ipaddress

from ray.serve.context import _get_global_client

from ..settings import Settings, haproxy_host

__all__ = ["is_loopback", "is_on_loopback"]


async def is_on_loopback(settings: Settings) -> bool:
    """Return whether HTTP and gRPC are answered on loopback alone, as far as Ray Serve can say."""
    hosts = [haproxy_host() or await _http_host()]
    if settings.grpc_port:
        hosts.append(settings.grpc_host)
    return all(map(is_loopback, hosts))


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is an address that other machines do not reach.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "db")]
    [True, True, True, False, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _http_host() -> str:
    """Return where the proxies of this Serve listen, which the application is not told."""
    client = _get_global_client()
    assert client is not None, "a replica has one"
    options = await client._controller.get_http_config.remote()
    return str(options.host)
