"""Files below one root on any fsspec path, independent of what they contain.

The registry relies on one operation: create a complete file only if it does not exist.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pba.errors import BadArtifact, InvalidRequest, RegistryUnavailable
from pba.extras import require_library
from pba.private_files import create_private_file, create_private_folder

__all__ = ["MAX_BYTES", "Files"]

MAX_BYTES = 256_000_000
"""The largest file that is read; a shipped model has under 4 MB."""

_LOCAL = {"file", "local"}
_EXCLUSIVE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}
"""Protocols whose `pipe_file(mode="create")` is one conditional request. Other protocols check
first and then write, so two writers can both succeed. ``memory`` is local to one process."""


class Files:
    """Files below ``root``, a path or an fsspec URL; connects on first use.

    Raises
    ------
    RegistryUnavailable
        From every call, if the root does not respond or its protocol has no driver here.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, name: str) -> bytes | None:
        """Return the content of the file ``name``, None if it does not exist.

        Raises
        ------
        BadArtifact
            If it has more than `MAX_BYTES`; no more is read.
        """
        content: bytes | None = None
        with self._connected() as (system, root), contextlib.suppress(FileNotFoundError):
            content = system.cat_file(f"{root}/{name}", end=MAX_BYTES + 1)
        if content is not None and len(content) > MAX_BYTES:
            raise BadArtifact(
                f"{name} has more than {MAX_BYTES} bytes, the most that is read of a file in the "
                "registry. Replace it."
            )
        return content

    def names(self, folder: str = "") -> list[str]:
        """Return the sorted names of files and folders in ``folder``; none if it does not exist."""
        with self._connected() as (system, root), contextlib.suppress(FileNotFoundError):
            paths = system.ls(f"{root}/{folder}".rstrip("/"), detail=False)
            return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in paths)
        return []

    def write(self, name: str, content: bytes) -> None:
        """Write a file, replacing one that exists.

        Raises
        ------
        InvalidRequest
            If the root's protocol cannot create files exclusively.
        """
        self._refuse_unsafe()
        with self._connected() as (system, root):
            if _is_local(system):
                with _draft(Path(root, name), content) as draft:
                    draft.replace(Path(root, name))
            else:
                system.pipe_file(f"{root}/{name}", content)

    def create(self, name: str, content: bytes) -> bool:
        """Create a file if it does not exist; return whether it now has ``content``.

        Of several callers that create one file at once with different contents, one gets True.
        Raises as `write`.
        """
        self._refuse_unsafe()
        try:
            with self._connected() as (system, root):
                if _is_local(system):
                    with _draft(Path(root, name), content) as draft:
                        os.link(draft, Path(root, name))
                else:
                    system.pipe_file(f"{root}/{name}", content, mode="create")
        except (FileExistsError, RegistryUnavailable) as error:
            # The response may have been lost after the file was created, and a driver that retries
            # then sees its own file. So the file's content decides.
            current = self.read(name)
            if current is None and isinstance(error, RegistryUnavailable):
                raise
            return current == content
        return True

    def _refuse_unsafe(self) -> None:
        protocol = self.root.split("://")[0] if "://" in self.root else "file"
        if protocol not in _LOCAL | _EXCLUSIVE:
            raise InvalidRequest(
                f"{self.root} can be read, not changed: {protocol} cannot create a file only where "
                f"there is none. Use a folder, or one of {', '.join(sorted(_EXCLUSIVE))}."
            )

    @contextlib.contextmanager
    def _connected(self) -> Iterator[tuple[Any, str]]:
        require_library("fsspec", "the registry")
        import fsspec

        try:
            # Listings that a driver caches would hide files that others have written since.
            yield fsspec.core.url_to_fs(self.root, use_listings_cache=False)
        except FileExistsError:
            raise
        except Exception as error:  # drivers' errors have no common base class
            raise RegistryUnavailable(
                f"{self.root} does not answer: {error!r}. Look whether it is what you mean "
                "(PBA_REGISTRY), at the rights to it, and whether its fsspec driver is installed."
            ) from error


def _is_local(system: Any) -> bool:
    return "file" in system.protocol


@contextlib.contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """Yield a temporary file beside ``path`` with ``content``, synced to the disk."""
    create_private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        create_private_file(draft)
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Sync the names in ``folder`` to the disk, so that they survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
