"""Where tests keep their files: in memory, where no commit waits for a disk that others use too."""

import os
import shutil
from pathlib import Path

__all__ = ["short_folder"]

_MEMORY = Path("/dev/shm")
_LEAST_FREE = 4 << 30
"""Bytes; containers have 64 MB there by default, and Ray keeps its objects there."""


def short_folder() -> str:
    """Return a folder for temporary folders, with a path short enough for sockets of Ray."""
    in_memory = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _LEAST_FREE
    return str(_MEMORY) if in_memory else "/tmp"
