"""Files below one root on any fsspec path; knows nothing of models.

The registry stands on one write: create a file, whole, only where there is none.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec

from pba.errors import InvalidRequest, RegistryUnavailable

__all__ = ["Files"]

_LOCAL = {"file", "local"}
_EXCLUSIVE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"}
"""Protocols whose `pipe_file(mode="create")` is one conditional request; others look first, then
write, and two writers can both succeed. (``memory`` is one process's.)"""


class Files:
    """Files below ``root``, a path or an fsspec URL; connects when it is first used.

    Raises
    ------
    RegistryUnavailable
        Every call, where the root does not answer or its protocol has no driver here.
    """

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, name: str) -> bytes | None:
        """Return the content of the file ``name``, None where there is none."""
        with self._reached() as (system, root), contextlib.suppress(FileNotFoundError):
            content: bytes = system.cat_file(f"{root}/{name}")
            return content
        return None

    def names(self, folder: str = "") -> list[str]:
        """Return the names of what lies directly in ``folder``, sorted; none where it is not."""
        with self._reached() as (system, root), contextlib.suppress(FileNotFoundError):
            found = system.ls(f"{root}/{folder}".rstrip("/"), detail=False)
            return sorted(path.rstrip("/").rsplit("/", 1)[-1] for path in found)
        return []

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole, in place of one that may be there.

        Raises
        ------
        InvalidRequest
            Below a root where files cannot be created exclusively.
        """
        self._refuse_unsafe()
        with self._reached() as (system, root):
            if _is_local(system):
                with _written(Path(root, name), content) as draft:
                    draft.replace(Path(root, name))
            else:
                system.pipe_file(f"{root}/{name}", content)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file whole where there is none; return whether it is there now as given.

        Of those who create one name at once, with contents that differ, one gets True. Raises as
        `write`.
        """
        self._refuse_unsafe()
        try:
            with self._reached() as (system, root):
                if _is_local(system):
                    with _written(Path(root, name), content) as draft:
                        os.link(draft, Path(root, name))
                else:
                    system.pipe_file(f"{root}/{name}", content, mode="create")
        except (FileExistsError, RegistryUnavailable) as error:
            # The answer may have been lost after the deed, and a driver that tries again by itself
            # then finds its own file. So what counts is what is there.
            found = self.read(name)
            if found is None and isinstance(error, RegistryUnavailable):
                raise
            return found == content
        return True

    def _refuse_unsafe(self) -> None:
        protocol = self.root.split("://")[0] if "://" in self.root else "file"
        if protocol not in _LOCAL | _EXCLUSIVE:
            raise InvalidRequest(
                f"{self.root} can be read, not changed: {protocol} cannot create a file only where "
                f"there is none. Use a folder, or one of {', '.join(sorted(_EXCLUSIVE))}."
            )

    @contextlib.contextmanager
    def _reached(self) -> Iterator[tuple[Any, str]]:
        try:
            # Listings that a driver remembers would hide what others have written since.
            yield fsspec.core.url_to_fs(self.root, use_listings_cache=False)
        except FileExistsError:
            raise
        except Exception as error:  # every driver has errors of its own, with no common base
            raise RegistryUnavailable(
                f"{self.root} does not answer: {error!r}. Look whether it is what you mean "
                "(PBA_REGISTRY), at the rights to it, and whether its fsspec driver is installed."
            ) from error


def _is_local(system: Any) -> bool:
    return "file" in system.protocol


@contextlib.contextmanager
def _written(path: Path, content: bytes) -> Iterator[Path]:
    """Yield a file beside ``path`` that holds ``content``, on the disk; afterwards it is gone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have the names in ``folder`` outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
