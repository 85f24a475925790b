"""Where relative paths start, and what a checkout and an installed package call the same thing.

In a checkout, paths start there, wherever a command is called or a replica runs. Of an installed
package they start at the working directory of the process, so give absolute paths on a cluster.
"""

from pathlib import Path

__all__ = ["SHIPPED_MODELS", "package_name", "resolve"]

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED_NAMES = {"deployments": "pba_serve", "train": "pba_train"}


def _checkout(package: Path) -> Path | None:
    """Return the checkout around ``package``, None if it is installed."""
    folder = package.parent
    return folder if (folder / "pyproject.toml").is_file() else None


_CHECKOUT = _checkout(_PACKAGE)
_PROJECT = _CHECKOUT or Path.cwd()

SHIPPED_MODELS = _CHECKOUT / "models" if _CHECKOUT else _PACKAGE / "shipped_models"
"""The folder with the models of this release, one folder a model."""


def package_name(folder: str) -> str:
    """Return the name by which the package in ``folder`` of the checkout is imported here."""
    return folder if _CHECKOUT else _INSTALLED_NAMES[folder]


def resolve(uri: str) -> str:
    """Return ``uri`` itself if it is absolute or a URL, else its place below the project.

    ``models/NAME`` is the shipped model where the project has no such folder.
    """
    if "://" in uri:
        return uri
    path, parts = _PROJECT / uri, Path(uri).parts
    if parts[:1] == ("models",) and not path.exists():
        path = SHIPPED_MODELS.joinpath(*parts[1:])
    return str(path)
