"""The processes of a service that a benchmark has started."""

import contextlib
from collections.abc import Collection

import psutil

__all__ = ["resident_mb"]


def resident_mb(names: Collection[str]) -> float:
    """Return the memory of this process's descendants whose command has one of ``names``.

    In million bytes, without what they share with others.
    """
    total = 0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has ended
            command = process.cmdline()
            if command and any(name in command[0] for name in names):
                memory = process.memory_info()  # what it shares takes long to find out exactly
                total += memory.rss - memory.shared
    return total / 1e6
