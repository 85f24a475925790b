"""One Ray for all tests of training that need it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent
_FIXTURE = "ray_cluster"
_cluster = pytest.StashKey[ExitStack]()


def _needs_ray(item: pytest.Item | None) -> bool:
    return _FIXTURE in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests that share Ray last in this folder, one after the other."""
    indices = [index for index, item in enumerate(items) if item.path.is_relative_to(_FOLDER)]
    ordered = sorted((items[index] for index in indices), key=_needs_ray)
    for index, item in zip(indices, ordered, strict=True):
        items[index] = item


@pytest.fixture(scope="session")
def ray_cluster(request: pytest.FixtureRequest) -> None:
    """Start Ray on two CPUs, once; it stops after the last test that uses it."""
    from train.ray_trainer import cluster

    stack = request.config.stash.setdefault(_cluster, ExitStack())
    stack.enter_context(cluster("local", cpus=2))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop Ray before a test that does not use it: such tests must not find it running."""
    yield
    if _needs_ray(item) and not _needs_ray(nextitem):
        item.config.stash[_cluster].close()
