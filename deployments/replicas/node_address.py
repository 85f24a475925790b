"""Keeps a replica's own port on its node's address, which is loopback under `make serve`."""

from typing import Any

import ray
from ray._common.network_utils import build_address  # type: ignore[attr-defined]
from ray._common.tls_utils import add_port_to_grpc_server
from ray.serve._private import replica

__all__ = ["listen_on_node_address"]


def listen_on_node_address() -> None:
    """Make this replica listen to other replicas on its node's address only.

    Ray 2.60 binds that port to every address and unpickles what arrives on it: whoever reaches the
    port runs code here. No replica needs another address, since replicas find each other by their
    nodes' addresses. Call this when a replica is created, before Ray opens the port.
    """
    replica.add_port_to_grpc_server = _add_port_on_node  # type: ignore[attr-defined]


def _add_port_on_node(server: Any, address: str) -> Any:
    host = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    port = address.rsplit(":", 1)[1]
    return add_port_to_grpc_server(server, build_address(host, port))  # type: ignore[no-untyped-call]
