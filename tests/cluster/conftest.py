import pytest

from tests.support.manifests import OVERLAYS, Objects, by_kind, rendered


@pytest.fixture
def production() -> Objects:
    return by_kind(rendered("production"))


@pytest.fixture
def single_node() -> Objects:
    return by_kind(rendered("single-node"))


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Objects:
    return by_kind(rendered(request.param))
