"""Takes the pictures of docs/console.md: `python -m tests.console.screenshots`.

The service has the shipped models and synthetic links with an hour of telemetry up to now.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from pba.client import PBAClient
from pba.telemetry.synthetic import generate_synthetic_data
from tests.console.conftest import CHROMIUM, Visit
from tests.console.scene import happen, now_s, publish, score
from tests.support.http_server import http_server

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "docs/console"
LINKS = {
    "fra1:ams2": ("internet", 11),
    "fra1:lon3": ("internet", 12),
    "fra1:par1": ("internet", 13),
    "rack4:rack9": ("datacenter", 14),
    "rack4:rack7": ("datacenter", 15),
    "site-7.uplink": ("internet", 16),
}
PAST, FORECASTS = 300, 240
PAGES = ("now", "links", "link/fra1:ams2", "quality", "rollout", "models", "drift", "events", "try")
WIDTH, PHONE = 1100, 390


def main(names: list[str]) -> None:
    """Take the pictures, or only those named."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            http_server(folder, shipped=PROJECT / "models") as url,
            sync_playwright() as playwright,
        ):
            fill(url, folder)
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--force-prefers-reduced-motion"]
            )
            for page in names or PAGES:
                for scheme in ("light", "dark"):
                    take(browser, url, page, scheme)
            browser.close()


def fill(url: str, folder: Path) -> None:
    """Report every link a sample a second, with forecasts, and have other things happen."""
    start_s = now_s() - PAST - FORECASTS
    with PBAClient(url) as client:
        client.set_flags({"shadow": True}, 0, "anna", "to compare both arms")
        for name, (mode, seed) in LINKS.items():
            start = datetime.fromtimestamp(start_s, UTC)
            samples = generate_synthetic_data(
                mode, PAST + FORECASTS, np.random.default_rng(seed), start
            )
            client.observe(name, samples[:PAST])
            for sample in samples[PAST:]:
                client.observe(name, [sample], forecast=True, as_of_newest=True)
    score(folder, len(LINKS) * (FORECASTS - 1))
    happen(folder)
    publish(folder, "internet-2026.11.27-1", "internet-2026.11.28-1")


def take(browser: Browser, url: str, name: str, scheme: str) -> None:
    """Take a picture of a page, as small as it can be."""
    height = 900
    size = {"width": WIDTH, "height": height}
    window = browser.new_context(color_scheme=scheme, viewport=size)  # type: ignore[arg-type]
    visit = Visit(window.new_page(), url)
    visit.open(name)
    prepare(visit.page, name)
    file = f"{name.split('/')[0]}-{scheme}.png"
    visit.page.screenshot(path=FOLDER / file, full_page=name != "links", animations="disabled")
    window.close()
    sys.stdout.write(f"{file}: {(FOLDER / file).stat().st_size / 1000:.0f} kB\n")


def prepare(page: Page, name: str) -> None:
    """Do on a page what its picture is to show."""
    if name == "rollout":
        page.get_by_label("Share of links").fill("50")
        page.get_by_role("button", name="Set the share…").click()
        page.get_by_label("Reason").fill("right on 10 % for a week")
    if name.startswith("link/"):
        page.get_by_role("button", name="Forecast the transfer").click()
        page.get_by_text("How to send it").wait_for()
        slider = page.get_by_role("slider")
        for _ in range(40):
            slider.press("ArrowLeft")
    if name == "try":
        samples = generate_synthetic_data("internet", 120, np.random.default_rng(5))
        rows = [f"{one.timestamp.isoformat()},{one.bandwidth_mbps:.1f}" for one in samples]
        page.get_by_label("Measurements").fill("\n".join(["time,download Mbps", *rows]))
        page.get_by_role("button", name="Forecast").click()
        page.locator("figure path.band").first.wait_for()
    page.wait_for_timeout(300)


if __name__ == "__main__":
    main(sys.argv[1:])
