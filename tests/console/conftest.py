"""A browser, and services in this process whose console it looks at."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.console.scene import happen, publish, report, score
from tests.support.http_server import http_server

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Yield a browser, whose event loop runs only as long as these tests do."""
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a service with scored forecasts of three links, and an event."""
    folder = tmp_path_factory.mktemp("filled")
    with http_server(folder) as url:
        report(url)
        score(folder)
        happen(folder)
        yield url


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a service with two published versions, which tests change."""
    folder = tmp_path_factory.mktemp("changed")
    with http_server(folder) as url:
        publish(folder, "toy-2", "toy-3")
        yield url


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a service that has stored nothing."""
    with http_server(tmp_path_factory.mktemp("empty")) as url:
        yield url


class Visit:
    """A page of the console, and what the browser complains about."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, name: str) -> None:
        """Open a page by the part of its address after #/, and wait until it is there."""
        self.page.goto(f"{self.url}/console/#/{name}")
        self.page.wait_for_selector("main > div:not([aria-busy])")

    @property
    def text(self) -> str:
        """All that the page says."""
        return self.page.inner_text("main")


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    """Return a function that opens a browser window on a service."""
    windows = []

    def opened(url: str, scheme: str = "light") -> Visit:
        window = browser.new_context(color_scheme=scheme)
        windows.append(window)
        window.set_default_timeout(60_000)
        return Visit(window.new_page(), url)

    yield opened
    for window in windows:
        window.close()
