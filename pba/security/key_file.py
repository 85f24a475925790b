"""Files of keys: those that an operator writes, and the last known ones that a node keeps.

Both are JSON with a list ``keys`` of `KeyRecord.as_dict`, and hold no secret that opens anything.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pba.errors import InvalidInput
from pba.security.keys import KeyRecord

__all__ = ["read_document", "read_keys", "write_keys"]


def read_keys(path: Path) -> list[KeyRecord]:
    """Return the keys in the file ``path``.

    Raises
    ------
    InvalidInput
        If it is not there, cannot be read, or is no file of keys.
    """
    return read_document(path)[0]


def read_document(path: Path) -> tuple[list[KeyRecord], Mapping[str, Any]]:
    """Return the keys in the file ``path``, and all that it holds; raises as `read_keys`."""
    try:
        document = json.loads(path.read_bytes())
        keys = [KeyRecord.from_dict(one) for one in document["keys"]]
    except OSError as error:
        raise InvalidInput(
            f"the file of keys {path} cannot be read: {error.strerror}. Create it with pba keys "
            f"create --file {path}, or correct PBA_KEYS_FILE.",
            "keys_file",
        ) from None
    except (ValueError, LookupError, TypeError) as error:  # InvalidInput is a ValueError
        reason = error if isinstance(error, InvalidInput) else type(error).__name__
        raise InvalidInput(
            f"{path} is no file of keys ({reason}); it is JSON with a list keys. Restore it, or "
            "create another with pba keys create --file.",
            "keys_file",
        ) from None
    return keys, document


def write_keys(path: Path, keys: Iterable[KeyRecord], **others: Any) -> None:
    """Replace the file ``path`` by one with ``keys`` and ``others``, of this user alone.

    Whoever reads it meanwhile gets either file whole.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(number, "w") as file:
            json.dump({**others, "keys": [key.as_dict() for key in keys]}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
