"""What every replica does first, and what it does once it is ready."""

import gc
import logging
import os
import sys

from .node_address import listen_on_node_address

__all__ = ["leave_lasting_objects", "set_up_replica"]

_SWITCH_S = 0.0002
_THRESHOLDS = (20_000, 20, 100)


def set_up_replica() -> None:
    """Bind the replica's port to its node's address, and send the library's log to Serve's.

    Files that it makes are its user's alone. A thread that computes leaves the interpreter to the
    event loop after a fifth of a millisecond: with Python's five milliseconds, a forecast waits
    that long for each socket that it reads or writes.

    Serve writes what the logger ``ray.serve`` gets into the replica's log file; the library logs to
    loggers below ``pba``.
    """
    sys.setswitchinterval(_SWITCH_S)
    os.umask(0o077)
    listen_on_node_address()
    logging.getLogger("pba").parent = logging.getLogger("ray.serve")


def leave_lasting_objects() -> None:
    """Have the garbage collector look at what is made from now on, and less often.

    Hundreds of thousands of objects of imports and wiring live as long as the process, and requests
    make no cycles worth a search: looking at all of them again took a tenth of a bulk call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
