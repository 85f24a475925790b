"""What every replica does first."""

import logging

from .node_address import listen_on_node_address

__all__ = ["set_up_replica"]


def set_up_replica() -> None:
    """Bind the replica's port to its node's address, and send the library's log to Serve's.

    Serve writes what the logger ``ray.serve`` gets into the replica's log file; the library logs to
    loggers below ``pba``.
    """
    listen_on_node_address()
    logging.getLogger("pba").parent = logging.getLogger("ray.serve")
