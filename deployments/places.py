"""Where relative model paths start: at the project, wherever a replica happens to run."""

from pathlib import Path

__all__ = ["resolve"]

_PROJECT = Path(__file__).resolve().parent.parent


def resolve(uri: str) -> str:
    """Return ``uri`` itself if it is absolute or a URL, else its place below the project."""
    return uri if "://" in uri else str(_PROJECT / uri)
