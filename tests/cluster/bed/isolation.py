"""A process with network, mounts and process ids of its own, in which a test bed lives.

All that is started inside ends with it, however it ends: processes, networks and mounts are the
kernel's to take back. What it reaches are its own networks and its own loopback.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["UNSHARE", "isolated_command", "obstacle", "shared_folder"]

UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
_PROGRAMS = ("mount", "unshare", "nsenter", "ip", "setpriv", "redis-server")
_SHARED = Path("/srv")
_CLONE_NEWNET = 0x40000000


def obstacle() -> str | None:
    """Return why no test bed can be built here, None if one can."""
    if os.geteuid() != 0:
        return "namespaces and virtual networks need root"
    if hidden := [path for path in (_SHARED, Path("/mnt")) if path in Path(__file__).parents]:
        return f"the project lies in {hidden[0]}, where the bed mounts folders of its own"
    if missing := [name for name in _PROGRAMS if shutil.which(name) is None]:
        return f"{', '.join(missing)} is not installed (Debian: iproute2, util-linux, redis-server)"
    pid = os.fork()
    if pid == 0:  # a child, so that this process keeps its own network
        os._exit(ctypes.CDLL(None).unshare(_CLONE_NEWNET) != 0)
    return None if os.waitpid(pid, 0)[1] == 0 else "this kernel or container gives no namespaces"


def isolated_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of the project in namespaces of its own."""
    return [*UNSHARE, sys.executable, "-m", module, *arguments]


def shared_folder() -> Path:
    """Create a folder that all machines of a bed see, as one on a file server.

    It lies in memory, and is gone with the mounts of this process.
    """
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(_SHARED)], check=True)
    return _SHARED
