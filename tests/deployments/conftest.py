"""One service for all tests of `tests/deployments` that leave it usable."""

from collections.abc import Iterator

import pytest

from tests.support.service import RunningService, running_service


@pytest.fixture(scope="session")
def service() -> Iterator[RunningService]:
    """Start the service on toy models and a SQLite file, and end it afterwards.

    Modules use it in the order of `RAY_MODULES` in tests/support/distribution.py. The last one
    ends it.
    """
    with running_service(measured=True) as running:
        yield running
