from collections.abc import Iterator

import pytest

from tests.support.bed import traces_of_beds
from tests.support.manifests import OVERLAYS, Objects, by_kind, rendered
from tests.support.waiting import wait_until


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """Require that a test bed ends with all that it started."""
    before = traces_of_beds()
    yield
    wait_until(lambda: traces_of_beds() <= before, f"the end of {traces_of_beds() - before}")


@pytest.fixture
def production() -> Objects:
    return by_kind(rendered("production"))


@pytest.fixture
def single_node() -> Objects:
    return by_kind(rendered("single-node"))


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Objects:
    return by_kind(rendered(request.param))
