"""Hosts and ports as they are written in addresses."""

import ipaddress
import socket

__all__ = ["ANY_HOST", "address_text", "is_loopback", "join_address", "port_error"]

ANY_HOST = frozenset({"0.0.0.0", "::"})
"""What stands for every address of a machine."""


def address_text(text: str) -> str:
    """Return an IP address in its one form, ``unknown`` for what is none.

    >>> address_text("2001:DB8:0::1"), address_text("10.0.0.1; DROP")
    ('2001:db8::1', 'unknown')
    """
    try:
        return str(ipaddress.ip_address(text.strip()[:64])).partition("%")[0]
    except ValueError:
        return "unknown"


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is an address that other machines do not reach.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "db")]
    [True, True, True, False, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def join_address(host: str, port: int) -> str:
    """Return ``host:port``, an IPv6 host in brackets.

    >>> join_address("::1", 9000)
    '[::1]:9000'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def port_error(host: str, port: int) -> str | None:
    """Return why ``port`` cannot be bound on ``host``, or None if it can."""
    address = join_address(host, port)
    try:
        family, *_, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        return f"{host!r} is no address of this machine ({error.strerror}). Correct it"
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
        except OSError as error:
            return f"{address} is taken ({error.strerror}). Stop what listens there"
    return None
