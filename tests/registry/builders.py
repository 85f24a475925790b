"""A registry of toy models, and what the tests look at in it."""

from pathlib import Path

from pba.registry import Registry
from pba.types import NetworkMode
from tests.toy import toy_artifact

MODE, NAME, NOW_S = NetworkMode.INTERNET, "internet", 2e9


def publish_toys(folder: Path, registry: Registry, *versions: str) -> None:
    """Publish a toy model for each of ``versions``; their outputs differ."""
    for number, version in enumerate(versions):
        registry.publish(str(toy_artifact(folder / version, MODE, version, 0.1 * number)), "me")


def version_names(registry: Registry) -> list[str]:
    """Return the published versions, oldest first."""
    return [row["version"] for row in registry.versions(NAME)]


def registry_file(registry: Registry, name: str) -> Path:
    """Return the path of an existing file of the toy model."""
    path = Path(registry.root, NAME, name)
    assert path.exists()
    return path


def champion(registry: Registry) -> tuple[int, str]:
    """Return number and version of the champion."""
    pointer = registry.champion(NAME)
    return pointer.number, pointer.version
