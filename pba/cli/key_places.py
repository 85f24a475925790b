"""Where `pba keys` keeps keys: the store's table, or a file."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from pba.errors import NotFound, quoted
from pba.security import KeyRecord
from pba.security.key_file import read_keys, write_keys

__all__ = ["KeyFile", "KeyPlace"]


class KeyPlace(Protocol):
    """Anything that keeps keys, as `pba.store.key_table.KeyTable` does."""

    def records(self) -> list[KeyRecord]:
        """Return all keys, the oldest first."""

    def add(self, record: KeyRecord) -> None:
        """Keep a new key."""

    def revoke(self, key_id: str, at_s: float | None = None) -> None:
        """Have a key end at ``at_s``, by default now; raises `NotFound`."""

    def rotate(self, key_id: str, successor: KeyRecord, end_s: float) -> None:
        """Keep ``successor``, and have the key ``key_id`` end; raises `NotFound`."""


class KeyFile:
    """The keys in a file; commands that change it wait for each other.

    Parameters
    ----------
    path
        The file; `add` creates it.
    clock
        Returns the current Unix time in seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock

    def records(self) -> list[KeyRecord]:
        """Return all keys in the file; none where there is none."""
        return read_keys(self._path) if self._path.exists() else []

    def add(self, record: KeyRecord) -> None:
        """Add a new key to the file."""
        with self._lock():
            write_keys(self._path, [*self.records(), record])

    def revoke(self, key_id: str, at_s: float | None = None) -> None:
        """Have a key end at ``at_s``, by default now."""
        with self._lock():
            write_keys(self._path, self._ended(key_id, self._clock() if at_s is None else at_s))

    def rotate(self, key_id: str, successor: KeyRecord, end_s: float) -> None:
        """Add ``successor``, and have the key ``key_id`` end at ``end_s``."""
        with self._lock():
            write_keys(self._path, [*self._ended(key_id, end_s), successor])

    def _ended(self, key_id: str, end_s: float) -> list[KeyRecord]:
        records = self.records()
        if key_id not in {record.key_id for record in records}:
            raise NotFound(f"no key in {self._path} has the id {quoted(key_id)}.")
        return [one.revoked(end_s) if one.key_id == key_id else one for one in records]

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the folder of the file: the file itself is another after each change."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
