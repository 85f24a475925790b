"""Fixtures for all tests, and the guard that plain tests start no Ray."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import numpy as np
import pytest
from hypothesis import settings

from tests.support.distribution import RAY_MODULES, GroupScheduling
from tests.support.folders import short_folder
from tests.support.postgres import Postgres, postgresql
from tests.support.process_coverage.untraced_imports import trace_no_imports_of_large_packages
from tests.support.processes import routers
from tests.support.ray_head import ray_head
from tests.support.service import RunningService, running_service
from tests.support.waiting import wait_until

PROJECT = Path(__file__).parents[1]
PROCESS_COVERAGE = PROJECT / "tests/support/process_coverage"

# To collect the doctests of the first would start a second measurement in this process; the second
# runs in an environment of its own.
collect_ignore = ["support/process_coverage", "deployments/triton_calls.py"]

# The same examples in every run; `pytest --hypothesis-profile=default` looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    """Have pytest keep the tests' folders in memory."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", short_folder())


@pytest.hookimpl(trylast=True)  # after pytest-cov has started
def pytest_sessionstart(session: pytest.Session) -> None:
    """Have processes that tests start measured too, where this one runs and measures tests."""
    runs_tests = hasattr(session.config, "workerinput") or not session.config.option.numprocesses
    if runs_tests and coverage.Coverage.current() is not None:
        trace_no_imports_of_large_packages()
        paths = [str(PROCESS_COVERAGE), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
        os.environ["PBA_COVERAGE_FOLDER"] = str(PROJECT)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Keep tests together that share fixtures."""
    return GroupScheduling(config, log)


def pytest_collection_finish() -> None:
    """Have the collector look at what tests make, and not again and again at all that is imported.

    In a process with most modules of the project, one look at everything takes a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the modules.

    One process runs plain tests first, which fail fast. Of several (pytest-xdist), one runs the
    tests that start Ray while the others take module after module, the longest first.
    """

    def order(item: pytest.Item) -> tuple[int, int]:
        path = item.nodeid.partition("::")[0]
        if path in RAY_MODULES:
            return (0, RAY_MODULES.index(path))
        names = ("tf", "slow")
        kinds = [number for number, name in enumerate(names, 1) if item.get_closest_marker(name)]
        return (kinds[0] if kinds else len(names) + 1, 0)

    marked = {item.nodeid.partition("::")[0] for item in items if item.get_closest_marker("ray")}
    if missing := marked - set(RAY_MODULES):
        raise pytest.UsageError(f"add to RAY_MODULES of tests/support/distribution.py: {missing}")
    items.sort(key=order)
    if not hasattr(config, "workerinput"):
        items.sort(key=lambda item: order(item)[0] == 0)


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


@pytest.fixture(scope="session")
def head() -> Iterator[str]:
    """Start a Ray head; yield the address that takes jobs."""
    with ray_head() as address:
        yield address


@pytest.fixture(scope="session")
def killable_postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL server for `postgres_service`, which tests may kill."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_service(killable_postgres: Postgres) -> Iterator[RunningService]:
    """Start a service with two routers on toy models and PostgreSQL.

    Modules use it in the order of `RAY_MODULES` in tests/support/distribution.py. The last one
    ends it.
    """
    kept = {"retention_days": 36_500.0}  # events of 2001 too, whenever the Monitor tidies
    with running_service(routers=2, store_url=killable_postgres.url, **kept) as running:
        wait_until(lambda: len(routers(running)) == 2, "the second router's start")
        yield running


@pytest.fixture(autouse=True)
def _no_ray_unless_marked(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    ray = sys.modules.get("ray")
    if ray is not None and request.node.get_closest_marker("ray") is None:
        assert not ray.is_initialized(), "a test without the marker `ray` started Ray"
