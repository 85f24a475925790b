"""Every page of the console in a browser: what it shows, live, empty, and to whom."""

import gzip
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from pba.client import PBAClient
from tests.console.conftest import Visit
from tests.console.scene import FORECASTS, LINKS, now_s
from tests.support.http_server import http_server

pytestmark = [pytest.mark.slow]

PAGES = {
    "now": ["ready", "Links\n3", "Forecasts scored, last hour\n117", "toy-1", "flags_changed"],
    "links": [*LINKS, "internet", "39"],
    "link/fra1:ams2": [
        "of 39",
        "1 ahead",
        "15 ahead",
        "90 % between",
        "toy-1",
        "of 39 missed",
        "The last value",
    ],
    "quality": ["Share right within 20 %", "Confidence against", "internet", "117"],
    "rollout": ["100 % of links", "There is no moment yet"],
    "models": ["datacenter", "internet", "30 samples", "60 samples", "Champion: shipped"],
    "drift": [
        "fra1:lon3",
        "all of internet",
        "less confidence -0.01 → -0.24",
        "refused",
        "falls by",
    ],
    "events": ["flags_changed", "version: 1", "reason: only a look"],
    "try": ["Measurements, pasted or dropped here"],
}
EMPTY = {
    "now": ["Links\n0", "No forecast was scored in the last hour"],
    "links": ["No link is here"],
    "quality": ["No such forecast was scored"],
    "rollout": ["There is no moment yet"],
    "models": ["Champion: shipped"],
    "drift": ["There was no alarm", "No alarm is open", "Nothing was retrained"],
    "events": ["There is no such event"],
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_the_service_knows(filled: str, visit: Any, scheme: str, name: str):
    window = visit(filled, scheme)
    window.open(name)
    for words in PAGES[name]:
        assert words in window.text, words
    assert window.complaints == []
    assert window.hosts == {filled.split("/")[2]}
    assert_accessible(window)


@pytest.mark.parametrize("name", EMPTY)
def test_a_page_says_what_is_missing(empty: str, visit: Any, name: str):
    window = visit(empty)
    window.open(name)
    for words in EMPTY[name]:
        assert words in window.text, words
    assert window.complaints == []
    assert_accessible(window)


def assert_accessible(window: Visit) -> None:
    """Check the page with axe-core, and that it fits a telephone."""
    results = Axe().run(window.page)
    assert results.violations_count == 0, results.generate_report()
    window.page.set_viewport_size({"width": 360, "height": 700})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert window.page.evaluate(wide) <= 0, "the page is wider than a telephone"


def test_charts_are_drawn_of_all_that_was_measured_and_forecast(filled: str, visit: Any):
    window = visit(filled)
    window.open("link/fra1:ams2")
    measured, forecast = (
        window.page.locator(f"figure >> nth=0 >> path.stroke.{kind}").get_attribute("d")
        for kind in ("measured", "forecast")
    )
    assert len(re.findall("[ML]", measured)) >= 80
    assert len(re.findall("[ML]", forecast)) == 4, "now, and 1, 5 and 15 steps ahead"
    assert window.page.locator("figure >> nth=0 >> path.band").count() == 2
    assert window.page.locator("figure >> nth=1 >> circle.mark").count() == FORECASTS - 1
    with PBAClient(filled) as client:
        missed = client.link("fra1:ams2")["misses"]
    assert missed > 0
    assert window.page.locator("circle.mark.missed").count() == missed


def test_reliability_is_drawn_of_the_bins_of_single_forecasts(filled: str, visit: Any):
    query = {"from": now_s() - 86_400, "by": "mode", "bins": True}
    response = httpx.get(f"{filled}/v1/metrics/series", params=query, trust_env=False)
    (series,) = response.raise_for_status().json()["series"]
    window = visit(filled)
    window.open("quality")
    figure = window.page.locator("figure", has_text="of what was that sure")
    assert figure.locator("path.stroke.forecast").get_attribute("d").startswith("M")
    summed = "import('./reliability.js').then((module) => module.summedBins(points))"
    bins = window.page.evaluate(f"(points) => {summed}", series["points"] + SURE_AND_UNSURE)
    assert sum(one["scored"] for one in bins) == 117 + 6
    assert (bins[0]["scored"], bins[0]["hits"], bins[9]["scored"]) == (2, 0, 117 + 4)


SURE_AND_UNSURE = [
    {
        "bins": {
            "scored": [2, *[0] * 8, 4],
            "hits": [0, *[0] * 8, 4],
            "confidence_sum": [0.1, *[0.0] * 8, 3.8],
        }
    }
]
"""A point of a series whose mean confidence is in a bin in which no forecast was."""


def test_an_earlier_forecast_is_chosen_by_its_moment(filled: str, visit: Any):
    window = visit(filled)
    window.open("link/fra1:ams2")
    assert "not yet, or a gap" in window.text
    slider = window.page.get_by_role("slider")
    newest = window.page.locator("output").inner_text()
    slider.focus()
    slider.press("Home")
    window.page.wait_for_function(
        "old => document.querySelector('output').textContent !== old", arg=newest
    )
    assert "not yet, or a gap" not in window.text
    verdicts = window.page.locator("td span.good, td span.bad")
    assert verdicts.count() == 3
    window.page.get_by_role("button", name="The newest").click()
    window.page.get_by_text("not yet, or a gap").first.wait_for()


def test_a_link_shows_its_past_until_nothing_is_kept(filled: str, visit: Any):
    window = visit(filled)
    window.open("link/fra1:ams2")
    switch = window.page.locator("figure >> nth=0 >> line.moment.switch >> nth=0")
    assert "from hybrid to internet" in switch.text_content()
    window.page.get_by_role("button", name="Earlier").click()
    window.page.get_by_text("Nothing older is kept").wait_for()
    window.page.get_by_role("button", name="The newest").click()
    switch.wait_for(state="attached")


def test_a_transfer_is_forecast_with_advice_and_not_recorded(filled: str, visit: Any):
    window = visit(filled)
    window.open("link/fra1:lon3")
    window.page.get_by_label("Size, MB").fill("100")
    window.page.get_by_label("Deadline").fill("3600")
    window.page.get_by_role("button", name="Forecast the transfer").click()
    window.page.get_by_text("How to send it").wait_for()
    assert re.search(r"Ends in time\n\d+ %", window.text)
    assert re.search(r"Streams\n\d+", window.text)
    assert window.complaints == []
    with PBAClient(filled) as client:
        assert client.metrics()["transfers"]["open"] == 0


def test_what_happens_is_seen_at_once(empty: str, visit: Any):
    window = visit(empty)
    window.open("now")
    assert "flags_changed" not in window.text
    with PBAClient(empty) as client:
        client.set_flags({"shadow": True}, client.flags()["version"], "anna")
    window.page.get_by_text("flags_changed").wait_for()
    with PBAClient(empty) as client:
        client.set_flags({"shadow": False}, client.flags()["version"], "anna")


def test_many_links_are_paged_and_searched(tmp_path: Path, visit: Any):
    with http_server(tmp_path) as url:
        sample = {"timestamp": now_s(), "bandwidth_mbps": 20.0}
        rows = [{"link_id": f"l{number:03}", **sample} for number in range(120)]
        httpx.post(f"{url}/v1/samples", json={"samples": rows}).raise_for_status()
        window = visit(url)
        window.open("links")
        assert "Links from l000 to l049" in window.text
        for words in ("l050 to l099", "l100 to l119"):
            window.page.get_by_role("button", name="Next").click()
            window.page.get_by_text(words).wait_for()
        assert window.page.get_by_role("button", name="Next").is_disabled()
        window.page.get_by_role("button", name="Back").click()
        window.page.get_by_text("l050 to l099").wait_for()
        window.page.get_by_label("Names with this in them").fill("07")
        window.page.get_by_role("button", name="Search").click()
        window.page.get_by_text("Links from l007 to l107").wait_for()
        window.page.get_by_label("Order").select_option("silent")
        window.page.get_by_text("Links from l007 to l107").wait_for()
        window.page.get_by_role("link", name="l070").click()
        window.page.get_by_role("heading", name="l070").wait_for()
        window.page.close()  # its stream ends, and the server may


def test_a_service_that_is_gone_is_tried_again(filled: str, visit: Any):
    window = visit(filled)
    window.open("models")
    window.page.route("**/v1/links*", lambda route: route.abort())
    window.open("links")
    assert "The service does not answer" in window.text
    window.page.unroute("**/v1/links*")
    window.page.get_by_role("button", name="Try again").click()
    window.page.get_by_role("link", name="fra1:ams2").wait_for()


@pytest.mark.parametrize("status", [403, 409, 503])
def test_an_error_is_shown_in_the_words_of_the_service(filled: str, visit: Any, status: int):
    window = visit(filled)
    body = {"error": {"code": "x", "message": f"the reason is {status}. Do this."}}
    window.page.route("**/v1/links*", lambda route: route.fulfill(status=status, json=body))
    window.open("links")
    assert f"the reason is {status}. Do this." in window.text


def test_a_name_of_a_link_is_no_markup(filled: str, visit: Any):
    window = visit(filled)
    name = "<img src=x onerror=alert(1)>"
    item = {
        "number": 1,
        "at": "2026-01-01T00:00:00Z",
        "kind": name,
        "link_id": name,
        "body": {name: name},
    }
    page = {"events": [item], "cursor": None}
    window.page.route("**/v1/events?*", lambda route: route.fulfill(json=page))
    window.open("events")
    assert name in window.text
    assert window.page.locator("main img").count() == 0


def test_the_first_paint_takes_less_than_half_a_second(filled: str, visit: Any):
    paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    times_ms = []
    for _ in range(5):  # the machine may be busy with other tests
        window = visit(filled)
        window.open("now")
        times_ms.append(window.page.evaluate(paint))
    assert min(times_ms) < 500, times_ms


def test_the_page_is_small_and_allows_nothing_from_elsewhere(filled: str):
    page = httpx.get(f"{filled}/console", follow_redirects=True)
    policy = page.headers["content-security-policy"]
    assert page.url.path == "/console/"
    assert "unsafe" not in policy
    assert "http" not in policy
    assert page.headers["cache-control"] == "no-cache"
    again = httpx.get(page.url, headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    folder = Path(__file__).parents[2] / "deployments/console"
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert sum(len(gzip.compress(file)) for file in files) < 45_000
    for path in ("../ingress/console.py", "%2e%2e/ingress/console.py", "nothing.js"):
        missing = httpx.get(f"{filled}/console/{path}")
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
