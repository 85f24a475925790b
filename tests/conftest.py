"""Fixtures for all tests, and the guard that plain tests start no Ray."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import coverage
import numpy as np
import pytest
from hypothesis import settings

PROJECT = Path(__file__).parents[1]
PROCESS_COVERAGE = PROJECT / "tests/support/process_coverage"

# The same examples in every run; `pytest --hypothesis-profile=default` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


# The modules that share one service, in the order in which they leave it usable for the next.
SHARED_SERVICE = (
    "closed_loop",
    "running",
    "grpc",
    "scaling",
    "model_reload",
    "rollout",
    "durability",
    "registry",
    "shutdown",
)


def pytest_sessionstart() -> None:
    """Have processes that tests start measured too, where this one is."""
    if coverage.Coverage.current() is not None:
        paths = [str(PROCESS_COVERAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        os.environ["PBA_COVERAGE_FOLDER"] = str(PROJECT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start no Ray first, and users of the shared service in their order."""
    order = [f"tests/deployments/test_{name}.py" for name in SHARED_SERVICE]

    def key(item: pytest.Item) -> int:
        path = item.nodeid.partition("::")[0]
        if path in order:
            return order.index(path)
        return -1 if item.get_closest_marker("ray") is None else len(order)

    items.sort(key=key)


@pytest.fixture
def rng() -> np.random.Generator:
    """Return randomness that is the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def traces() -> Path:
    """Return the folder of real traces, or skip."""
    folder = os.environ.get("PBA_TRACES")
    if not folder:
        pytest.skip("PBA_TRACES does not name a folder of traces")
    return Path(folder)


@pytest.fixture(autouse=True)
def _no_ray_unless_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    ray = sys.modules.get("ray")
    if ray is not None and request.node.get_closest_marker("ray") is None:
        assert not ray.is_initialized(), "a test without the marker `ray` started Ray"
