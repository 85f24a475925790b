"""Which configuration is deployed, and under which name it finds this package."""

import re
from pathlib import Path
from typing import Any

import yaml

from pba.project import package_name

__all__ = ["default_config", "read_config", "write_config"]

_NAME = "serve_config.yaml"
_FOLDER = Path(__file__).parent
_IN_CHECKOUT = "deployments"


def default_config() -> Path:
    """Return ``serve_config.yaml`` of the working directory, or the shipped one if it has none.

    One that is empty counts as none: a shell has made it where ``--show`` is to write into it.
    """
    own = Path(_NAME)
    if own.is_file() and own.stat().st_size:
        return own
    installed = package_name(_IN_CHECKOUT) != _IN_CHECKOUT
    return (_FOLDER / "shipped_config" if installed else _FOLDER.parent) / _NAME


def read_config(config: Path) -> str:
    """Return the text of ``config``; it may call this package as in a checkout or as installed.

    A configuration names modules of this package: the builder, and the policies of autoscaling.
    """
    name = package_name(_IN_CHECKOUT)
    return re.sub(rf"\b{_IN_CHECKOUT}\.(?=\w)", f"{name}.", config.read_text())


def write_config(config: Path, folder: Path, host: str | None = None) -> Path:
    """Write ``config`` for Ray into ``folder``, for another ``host`` if given; return the file."""
    content: dict[str, Any] = yaml.safe_load(read_config(config))
    if host is not None:
        content["http_options"]["host"] = host
    path = folder / "serve.yaml"
    path.write_text(yaml.safe_dump(content))
    return path
