"""The keys as one process sees them: read from the store and a file every so often."""

import asyncio
import logging
import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from pba.errors import InvalidInput, PBAError, StoreUnavailable
from pba.security import KeyRecord
from pba.security.identity import Identity
from pba.security.key_file import read_document, read_keys, write_keys
from pba.security.key_ring import KeyRing, StoredKeys
from pba.serving.pools import DEFAULT_POOL, Pool

__all__ = ["KeySnapshot", "KeySources", "KeyWatch"]

_log = logging.getLogger(__name__)
_SAVE_EVERY_S = 60.0


class KeySnapshot:
    """The last known keys of a store in a file of this node, for a start without the store.

    Parameters
    ----------
    path
        The file, which only its user may read or write.
    store
        Which store the keys are of, without a password; those of another one do not count.
    """

    def __init__(self, path: Path, store: str) -> None:
        self._path = path
        self._store = store

    def load(self) -> StoredKeys | None:
        """Return the keys, None where there are none that may be trusted."""
        try:
            status = self._path.stat()
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                _log.warning("keys_snapshot_refused", extra={"why": "others may write or read it"})
                return None
            records, document = read_document(self._path)
            if document["store"] != self._store:
                return None
            return StoredKeys(tuple(records), float(document["read_s"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, LookupError, TypeError) as error:
            _log.warning("keys_snapshot_refused", extra={"why": str(error)})
            return None

    def save(self, keys: StoredKeys) -> None:
        """Keep ``keys``; a node where that fails starts without them."""
        try:
            write_keys(self._path, keys.records, store=self._store, read_s=keys.read_s)
        except OSError as error:
            _log.warning("keys_snapshot_not_written", extra={"why": str(error)})


@dataclass(frozen=True, slots=True)
class KeySources:
    """Where keys come from.

    Parameters
    ----------
    store
        Reads those of the store; blocks meanwhile.
    file
        A file of keys, None if there is none.
    snapshot
        Keeps those of the store, None to keep none.
    others
        Whether callers may also say who they are by a token or a certificate.
    """

    store: Callable[[], list[KeyRecord]]
    file: Path | None = None
    snapshot: KeySnapshot | None = None
    others: bool = False


class KeyWatch:
    """Reads the keys every ``every_s``, and knows who sends one.

    Parameters
    ----------
    sources
        Where they come from.
    opens, stale_s
        As for `KeyRing`.
    every_s
        Seconds between two reads.
    clock
        Returns the current Unix time in seconds.
    patience_s
        How long `start` waits for the first read.
    pool
        Where the sources are read.
    """

    def __init__(
        self,
        sources: KeySources,
        opens: bool,
        stale_s: float,
        every_s: float,
        clock: Callable[[], float],
        patience_s: float = 15.0,
        pool: Pool = DEFAULT_POOL,
    ) -> None:
        self._sources = sources
        self._ring = KeyRing(
            opens, stale_s, needs_file=sources.file is not None, closed=sources.others
        )
        self._every_s = every_s
        self._clock = clock
        self._patience_s = patience_s
        self._pool = pool
        self._stored: StoredKeys | None = None
        self._saved_s = 0.0
        self._failures: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def running(self) -> bool:
        """Whether a change of the keys would be noticed."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    @property
    def refusal(self) -> PBAError | None:
        """Why no call at all can be answered, None if some can."""
        return self._ring.refusal(self._clock())

    @property
    def lets_everybody_in(self) -> bool:
        """Whether callers need no key now."""
        return self._ring.lets_everybody_in(self._clock())

    def identify(self, authorization: str | None) -> Identity:
        """Return who sends the header ``authorization``; raises as `KeyRing.identify`."""
        return self._ring.identify(authorization, self._clock())

    def known_id(self, authorization: str | None) -> str | None:
        """Return the id of the key in the header, see `KeyRing.known_id`."""
        return self._ring.known_id(authorization)

    async def refresh(self) -> None:
        """Read the file and the store now."""
        await self._refresh_file()
        await self._refresh_store()

    async def start(self) -> None:
        """Read the keys now and from now on; the first read may end later if it takes long."""
        reads = (self._refresh_file, self._refresh_store)
        first = [asyncio.create_task(read()) for read in reads]
        await asyncio.wait(first, timeout=self._patience_s)
        if self._stored is None and self._sources.snapshot is not None:
            self._use_snapshot(await asyncio.to_thread(self._sources.snapshot.load))
        self._tasks = [
            asyncio.create_task(self._watch(task, read))
            for task, read in zip(first, reads, strict=True)
        ]

    def stop(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()

    async def _watch(self, first: asyncio.Task[None], read: Callable[[], Awaitable[None]]) -> None:
        await first
        while True:
            await asyncio.sleep(self._every_s)
            await read()

    async def _refresh_file(self) -> None:
        path = self._sources.file
        if path is None:
            return
        records = await self._read("keys_file_not_read", lambda: read_keys(path))
        if records is not None:
            self._ring = self._ring.with_file(records)

    async def _refresh_store(self) -> None:
        began_s, snapshot = self._clock(), self._sources.snapshot
        records = await self._read("keys_not_read", self._sources.store)
        if records is not None:
            await self._use(StoredKeys(tuple(records), began_s))
        elif self._stored is None and snapshot is not None:
            self._use_snapshot(await self._pool(snapshot.load))

    async def _use(self, stored: StoredKeys) -> None:
        before, snapshot = self._stored, self._sources.snapshot
        changed = before is None or before.records != stored.records
        self._stored, self._ring = stored, self._ring.with_store(stored, changed)
        if snapshot is not None and (changed or stored.read_s - self._saved_s > _SAVE_EVERY_S):
            self._saved_s = stored.read_s
            await self._pool(lambda: snapshot.save(stored))

    def _use_snapshot(self, keys: StoredKeys | None) -> None:
        if keys is not None and self._stored is None:
            self._ring = self._ring.with_store(keys)

    async def _read(
        self, event: str, read: Callable[[], list[KeyRecord]]
    ) -> list[KeyRecord] | None:
        """Return what ``read`` does; None, logged once for each cause, where it fails."""
        try:
            records = await self._pool(read)
        except (InvalidInput, StoreUnavailable) as error:
            if self._failures.get(event) != str(error):
                _log.warning(event, extra={"why": str(error)})
            self._failures[event] = str(error)
            return None
        self._failures.pop(event, None)
        return records
