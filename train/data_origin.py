"""The origin of a model's traces, for its card: source, licence, use and checksum of each set."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pba.telemetry.public_sets import SetUse, public_set
from pba.telemetry.traces import Trace

__all__ = ["data_entries"]


def data_entries(
    folders: Sequence[Path], splits: Mapping[str, Mapping[str, Sequence[Trace]]]
) -> dict[str, dict[str, Any]]:
    """Return set → where it is from, and how it is used.

    Parameters
    ----------
    folders
        Those that hold the files of the sets.
    splits
        Split → set → traces, as `splits.trace_splits` returns them.
    """
    return {
        name: {
            "source": public_set(name).source,
            "licence": public_set(name).licence,
            "use": _use(name) if splits["train"][name] else "figures only",
            "sha256": _sha256(folders, name),
        }
        for name in splits["test"]
    }


def _use(name: str) -> str:
    return "path only" if public_set(name).use is SetUse.PATH_ONLY else "trained on"


def _sha256(folders: Sequence[Path], name: str) -> str:
    """Return the checksum of the file of a set."""
    for folder in folders:
        for file in (folder / name, *sorted(folder.glob(f"{name}.*"))):
            if file.exists():
                return hashlib.sha256(file.read_bytes()).hexdigest()
    return ""
