"""Folders and files that only the user who runs the service reads and writes."""

import os
from pathlib import Path

__all__ = ["create_private_file", "create_private_folder"]


def create_private_folder(path: Path) -> None:
    """Create ``path``, and the folders above it, unless they exist; those that do stay as they are.

    Raises
    ------
    OSError
        If it cannot be created.
    """
    for folder in (*reversed(path.parents), path):
        folder.mkdir(mode=0o700, exist_ok=True)


def create_private_file(path: Path) -> None:
    """Create an empty file unless it exists; raises `OSError` if it cannot be created."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
