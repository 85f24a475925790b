"""Where relative paths start: at the project, wherever a replica happens to run.

The project is the checkout that holds this package. Of an installed package (`pba_serve`) it is the
working directory: of `serve run` for what is built there, and of each replica for its own paths, so
give absolute paths on a cluster.
"""

from pathlib import Path

__all__ = ["resolve", "resolve_store"]


def _project(package: Path) -> Path:
    """Return the checkout around ``package``, or the working directory if it is installed."""
    checkout = package.parent
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


_PROJECT = _project(Path(__file__).resolve().parent)


def resolve(uri: str) -> str:
    """Return ``uri`` itself if it is absolute or a URL, else its place below the project."""
    return uri if "://" in uri else str(_PROJECT / uri)


def resolve_store(url: str) -> str:
    """Return ``url`` with a relative SQLite file placed below the project."""
    scheme, _, file = url.partition(":///")
    relative = scheme == "sqlite" and not file.startswith("/")
    return f"{scheme}:///{_PROJECT / file}" if relative else url
