"""Ports that no other test or benchmark on this machine takes."""

import contextlib
import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

PORTS = range(8100, 9800)  # below those of Ray's workers


@contextlib.contextmanager
def own_port() -> Iterator[int]:
    """Yield a free port that no other benchmark or test run on this machine takes.

    The service binds it seconds later, and two HAProxies may bind one port at once. Until the end
    a lock on a file of the port's name reserves it.
    """
    first = os.getpid() % len(PORTS)
    for port in (*PORTS[first:], *PORTS[:first]):
        free = False
        with (Path(tempfile.gettempdir()) / f"pba-test-port-{port}").open("w") as lock:
            with contextlib.suppress(OSError), socket.socket() as probe:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                probe.bind(("127.0.0.1", port))
                free = True
            if free:
                yield port
                return
    raise RuntimeError(f"no port is free between {PORTS[0]} and {PORTS[-1]}")


def is_free(port: int) -> bool:
    """Whether ``port`` can be bound on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False
