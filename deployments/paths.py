"""Where relative paths start: at the project, wherever a replica happens to run."""

from pathlib import Path

__all__ = ["resolve", "resolve_store"]

_PROJECT = Path(__file__).resolve().parent.parent


def resolve(uri: str) -> str:
    """Return ``uri`` itself if it is absolute or a URL, else its place below the project."""
    return uri if "://" in uri else str(_PROJECT / uri)


def resolve_store(url: str) -> str:
    """Return ``url`` with a relative SQLite file placed below the project."""
    scheme, _, file = url.partition(":///")
    relative = scheme == "sqlite" and not file.startswith("/")
    return f"{scheme}:///{_PROJECT / file}" if relative else url
