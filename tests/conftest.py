"""Fixtures for all tests, and the guard that plain tests start no Ray."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run; `pytest --hypothesis-profile=default` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture
def rng() -> np.random.Generator:
    """Return randomness that is the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def traces() -> Path:
    """Return the folder of real traces, or skip."""
    given = os.environ.get("PBA_TRACES")
    if not given:
        pytest.skip("PBA_TRACES does not name a folder of traces")
    return Path(given)


@pytest.fixture(autouse=True)
def _no_ray_unless_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    ray = sys.modules.get("ray")
    if ray is not None and request.node.get_closest_marker("ray") is None:
        assert not ray.is_initialized(), "a test without the marker `ray` started Ray"
