"""Takes the pictures of docs/console.md: `python -m tests.console.screenshots [FOLDER]`.

With a folder, it takes one of every page there, light and dark. The service has the shipped models
and synthetic links, whose last forecasts are scored one a minute, as a replay's are.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from pba.client import PBAClient
from pba.telemetry.synthetic import generate_synthetic_data
from tests.console.conftest import CHROMIUM, Visit
from tests.console.scene import happen, now_s, publish, score
from tests.support.http_server import http_server

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs/console"
LINK = "link/fra1:ams2"
PAGES = ("now", "links", LINK, "quality", "rollout", "models", "drift", "events", "try")
SHOWN = {LINK: "dark", "rollout": "light", "drift": "dark", "try": "light"}
LINKS = {
    "fra1:ams2": ("internet", 11),
    "fra1:lon3": ("internet", 12),
    "fra1:par1": ("internet", 13),
    "rack4:rack9": ("datacenter", 14),
    "rack4:rack7": ("datacenter", 15),
    "site-7.uplink": ("internet", 16),
}
PAST, MINUTES, STEPS = 200, 50, 5
SIZE = {"width": 1000, "height": 800}
COLOURS = 64


def main(folder: Path | None) -> None:
    """Take the pictures of the documentation, or of all pages into ``folder``."""
    shown = [(page, scheme) for page in PAGES for scheme in ("light", "dark")]
    target = folder or DOCS
    target.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as name,
        http_server(Path(name), shipped=PROJECT / "models") as url,
        sync_playwright() as playwright,
    ):
        fill(url, Path(name))
        options = ["--no-sandbox"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        for page, scheme in shown if folder else SHOWN.items():
            take(browser, url, page, scheme, target / f"{page.split('/')[0]}-{scheme}.png")
        browser.close()


def fill(url: str, folder: Path) -> None:
    """Report every link a sample a second, with forecasts of the last ones, and score these."""
    count = PAST + MINUTES * STEPS
    start = datetime.fromtimestamp(now_s() - count, UTC)
    series = {
        name: generate_synthetic_data(mode, count, np.random.default_rng(seed), start)
        for name, (mode, seed) in LINKS.items()
    }
    with PBAClient(url) as client:
        client.set_flags({"shadow": True}, 0, "anna", "to compare both arms")
        for name, samples in series.items():
            client.observe(name, samples[:PAST])
        for minute in range(MINUTES):
            first = PAST + minute * STEPS
            for name, samples in series.items():
                for sample in samples[first : first + STEPS]:
                    client.observe(name, [sample], forecast=True, as_of_newest=True)
            scored = len(LINKS) * ((minute + 1) * STEPS - 1)
            score(folder, scored, at_s=now_s() - 60.0 * (MINUTES - minute))
    happen(folder)
    publish(folder, "internet-2026.11.27-1", "internet-2026.11.28-1")


def take(browser: Browser, url: str, name: str, scheme: str, file: Path) -> None:
    """Take a picture of a page, in few colours."""
    window = browser.new_context(color_scheme=scheme, viewport=SIZE)  # type: ignore[arg-type]
    visit = Visit(window.new_page(), url)
    visit.open(name)
    prepare(visit.page, name)
    visit.page.screenshot(path=file, full_page=name != "rollout", animations="disabled")
    window.close()
    Image.open(file).convert("RGB").quantize(COLOURS).save(file, optimize=True)
    sys.stdout.write(f"{file}: {file.stat().st_size / 1000:.0f} kB\n")


def prepare(page: Page, name: str) -> None:
    """Do on a page what its picture is to show."""
    if name == "rollout":
        page.get_by_label("Share of links").fill("50")
        page.get_by_role("button", name="Set the share…").click()
        page.get_by_label("Reason").fill("v1 was right more often on the new links")
    if name == LINK:
        page.get_by_role("button", name="Forecast the transfer").click()
        page.get_by_text("How to send it").wait_for()
        for _ in range(40):
            page.get_by_role("slider").press("ArrowLeft")
    if name == "models":
        page.get_by_text("Card of internet").click()
    if name == "try":
        samples = generate_synthetic_data("internet", 150, np.random.default_rng(5))
        rows = [f"{one.timestamp.isoformat()},{one.bandwidth_mbps:.1f}" for one in samples]
        page.get_by_label("Measurements").fill("\n".join(["time,download Mbps", *rows]))
        page.get_by_role("button", name="Forecast").click()
        page.locator("figure path.band").first.wait_for()
        for _ in range(20):
            page.get_by_role("slider").press("ArrowLeft")
    page.wait_for_timeout(500)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
