"""A registry with three published versions."""

from pathlib import Path

import pytest

from pba.registry import Registry
from tests.registry.builders import NOW_S, publish_toys


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(str(tmp_path / "registry"), lambda: NOW_S)
    publish_toys(tmp_path / "trained", registry, "a", "b", "c")
    return registry
