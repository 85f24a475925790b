"""A browser, and services in this process whose console it looks at."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pba.client import PBAClient
from pba.monitoring.scorer import Scorer
from pba.store import Store
from pba.types import NetworkMetrics
from tests.support.http_server import http_server

CHROMIUM = shutil.which("chromium")
LINKS = ("fra1:ams2", "fra1:lon3", "site-7.uplink")
SAMPLES, FORECASTS = 80, 40


def now_s() -> float:
    return time.time()  # noqa: TID251 - samples of now, as a reporter's


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
        yield url


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a service that has stored nothing."""
    with http_server(tmp_path_factory.mktemp("empty")) as url:
        yield url


def report(url: str) -> None:
    """Report the links a sample a second up to now, with forecasts of the last ones."""
    start_s, rng = now_s() - SAMPLES - FORECASTS, np.random.default_rng(0)
    with PBAClient(url) as client:
        for name in LINKS:
            walk = rng.normal(0, 0.1, SAMPLES + FORECASTS)
            rates = (50 * np.exp(np.cumsum(walk))).tolist()
            samples = [NetworkMetrics(start_s + at, mbps, 40.0) for at, mbps in enumerate(rates)]
            client.observe(name, samples[:SAMPLES])
            for sample in samples[SAMPLES:]:
                client.observe(name, [sample], forecast=True, as_of_newest=True)
        client.set_flags({"shadow": False}, client.flags()["version"], "anna")


def score(folder: Path) -> None:
    """Score what is due, as a Monitor does."""
    store = Store(f"sqlite:///{folder}/pba.db", now_s).ready()
    scorer = Scorer(store)
    deadline_s = time.monotonic() + 20
    while store.summary()["overall"]["scored"] < len(LINKS) * (FORECASTS - 1):
        assert time.monotonic() < deadline_s, "the forecasts are not recorded"
        scorer.score_due()
    store.close()


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
        window.set_default_timeout(15_000)
        return Visit(window.new_page(), url)

    yield opened
    for window in windows:
        window.close()
