"""One service for all tests of `tests/deployments` that leave it usable."""

from collections.abc import Iterator

import pytest

from tests.support.otlp_receiver import OtlpReceiver, otlp_receiver
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="session")
def receiver() -> Iterator[OtlpReceiver]:
    """Return where `service` sends the spans of what its callers trace."""
    with otlp_receiver() as running:
        yield running


@pytest.fixture(scope="session")
def service(receiver: OtlpReceiver) -> Iterator[RunningService]:
    """Start the service on toy models and a SQLite file, and end it afterwards.

    Modules use it in the order of `RAY_MODULES` in tests/support/distribution.py. The last one
    ends it.
    """
    with running_service(measured=True, variables=receiver.environment) as running:
        yield running
