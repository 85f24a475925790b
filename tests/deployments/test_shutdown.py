"""The end of the shared service; these tests run last of all that use it."""

import pytest

from tests.support.ports import is_free
from tests.support.service import RunningService
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_the_screen_shows_a_few_lines_of_its_own(service: RunningService):
    wait_until(lambda: f"HTTP     {service.url}" in service.screen, "the end of its start")
    lines = service.screen.splitlines()
    assert "PBA starts" in lines[0]
    assert str(service.folder / "log") in lines[0]
    assert len(lines) < 20, service.screen
    assert not any(word in service.screen for word in ("Traceback", "WARNING", "infinite retries"))


def test_a_killed_service_frees_its_port(service: RunningService):
    service.process.kill()
    wait_until(lambda: is_free(service.config["http_options"]["port"]))
