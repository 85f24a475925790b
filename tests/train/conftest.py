"""One Ray for consecutive tests of training that need it."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

_FIXTURE = "ray_cluster"
_cluster = pytest.StashKey[ExitStack]()


def _needs_cluster(item: pytest.Item | None) -> bool:
    return _FIXTURE in getattr(item, "fixturenames", ())


@pytest.fixture
def ray_cluster(request: pytest.FixtureRequest) -> None:
    """Start Ray on two CPUs, unless the test before has left it running."""
    import ray

    from train.ray_trainer import cluster

    if not ray.is_initialized():
        # Ray runs workers at niceness 15, where the tests of another process would starve them, and
        # waits too short a time for its own start on a busy machine.
        os.environ.setdefault("RAY_worker_niceness", "0")
        os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")
        stack = request.config.stash.setdefault(_cluster, ExitStack())
        stack.enter_context(cluster("local", cpus=2))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop Ray before a test that does not use it, which must not find it running."""
    yield
    if _needs_cluster(item) and not _needs_cluster(nextitem):
        item.config.stash.setdefault(_cluster, ExitStack()).close()
