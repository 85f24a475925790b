"""A lock beside a SQLite file: one process at a time has what it stands for."""

import contextlib
import fcntl
from pathlib import Path
from typing import IO

from pba.private_files import create_private_file, create_private_folder
from pba.store.url import parse_url

__all__ = ["FileLock", "monitor_lock"]


class FileLock:
    """A lock that the system gives back when its process ends, however it ends.

    Parameters
    ----------
    path
        A file for the lock alone; it is created, and stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody has it; return whether this object has it now.

        Raises
        ------
        OSError
            Where the file cannot be written.
        """
        if self._file is None:
            create_private_file(self._path)
            file = self._path.open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            except OSError:
                file.close()
                raise
            self._file = file
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None


def monitor_lock(url: str) -> FileLock | None:
    """Return the lock of the Monitor of a SQLite file; None where several share the work.

    A SQLite file has one writer at a time: a second Monitor would only wait for the first.
    """
    parsed = parse_url(url)
    database = parsed.database
    if parsed.get_backend_name() != "sqlite" or not database or database.startswith("file:"):
        return None
    path = Path(f"{database}.monitor")
    with contextlib.suppress(OSError):  # `FileLock.acquire` says what is wrong with the folder
        create_private_folder(path.parent)
    return FileLock(path)
