"""Where relative paths start, for the service and for every command.

In a checkout they start there, wherever a command is called or a replica runs. Of an installed
package they start at the working directory of the process, so give absolute paths on a cluster.
"""

from pathlib import Path

__all__ = ["resolve"]


def _project(package: Path) -> Path:
    """Return the checkout around ``package``, or the working directory if it is installed."""
    checkout = package.parent
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


_PROJECT = _project(Path(__file__).resolve().parent)


def resolve(uri: str) -> str:
    """Return ``uri`` itself if it is absolute or a URL, else its place below the project."""
    return uri if "://" in uri else str(_PROJECT / uri)
