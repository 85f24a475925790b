"""Every page of the console in a browser: what it shows, live, empty, and to whom."""

import gzip
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from pba.client import PBAClient
from pba.store import Store
from tests.console.conftest import Visit
from tests.console.scene import FORECASTS, LINKS, now_s
from tests.support.http_server import http_server
from tests.support.keys import key
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

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
    switch = window.page.locator("figure >> nth=0 >> line.moment.switch")
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


def test_somebody_signs_in_with_a_key_and_out_again(tmp_path: Path, visit: Any):
    with http_server(tmp_path, follows=True) as url:
        sample = {"link_id": "fra1:a", "timestamp": now_s(), "bandwidth_mbps": 20.0}
        httpx.post(f"{url}/v1/samples", json={"samples": [sample]}).raise_for_status()
        record, header = key("reader", "fra1:*")
        store = Store(f"sqlite:///{tmp_path}/pba.db", now_s).ready()
        store.keys.add(record)
        wait_until(lambda: httpx.get(f"{url}/v1/links").status_code == 401, 20, "the key counts")
        secret = header["Authorization"].removeprefix("Bearer ")
        window = visit(url)
        window.open("links")
        assert "This service needs a key" in window.text
        assert_accessible(window)
        sign_in(window, "pba_wrong")
        window.page.get_by_role("alert").filter(has_text="key").wait_for()
        sign_in(window, secret)
        window.page.get_by_role("link", name="fra1:a").wait_for()
        assert record.name in window.page.inner_text("header")
        (cookie,) = window.page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        assert window.page.evaluate("document.cookie + JSON.stringify(localStorage)") == "{}"
        assert secret not in window.page.url
        assert_reads_only(url, cookie)
        window.open("quality")
        assert "all links" in window.text, "what the key is not for says why"
        store.keys.revoke(record.key_id)
        wait_until(lambda: _status(url, cookie) == 401, 20, "the key is revoked")
        window.open("links")
        assert "This service needs a key" in window.text
        store.close()


def sign_in(window: Visit, secret: str) -> None:
    window.page.get_by_label("Key").fill(secret)
    window.page.get_by_role("button", name="Sign in").click()


def _status(url: str, cookie: Any) -> int:
    return httpx.get(f"{url}/v1/links", cookies={cookie["name"]: cookie["value"]}).status_code


def assert_reads_only(url: str, cookie: Any) -> None:
    """Check that the cookie alone reads, and changes nothing."""
    cookies = {cookie["name"]: cookie["value"]}
    assert _status(url, cookie) == 200
    recorded = [("GET", f"/v1/links/fra1:a/{what}") for what in ("forecast", "transfer", "watch")]
    changes = [("POST", "/v1/forecast"), ("PUT", "/v1/flags"), ("DELETE", "/v1/links/fra1:a")]
    for method, path in (*recorded, *changes):
        options = {} if method == "GET" else {"json": {}}
        response = httpx.request(method, f"{url}{path}", cookies=cookies, **options)
        assert response.status_code == 403, path


def test_a_session_changes_what_its_role_allows_and_ends_with_signing_out(
    tmp_path: Path, visit: Any
):
    with http_server(tmp_path, follows=True) as url:
        (admin, admin_header), (reader, reader_header) = key("admin"), key("reader")
        store = Store(f"sqlite:///{tmp_path}/pba.db", now_s).ready()
        store.keys.add(admin)
        store.keys.add(reader)
        wait_until(lambda: httpx.get(f"{url}/v1/links").status_code == 401, 20, "the key counts")
        window = visit(url)
        window.open("rollout")
        sign_in(window, admin_header["Authorization"].removeprefix("Bearer "))
        window.page.get_by_role("button", name="Turn on…").first.click()
        window.page.get_by_label("Reason").fill("to compare")
        window.page.get_by_label("Reason").press("Enter")
        window.page.get_by_text("Done: Turn shadow on").wait_for()
        assert store.flags().flags.shadow
        window.page.get_by_role("button", name="Sign out").click()
        window.page.get_by_text("This service needs a key").wait_for()
        assert window.page.context.cookies() == []
        sign_in(window, reader_header["Authorization"].removeprefix("Bearer "))
        window.page.get_by_text("Changing flags needs a key of an operator").wait_for()
        for name in ("rollout", "models", "drift"):
            window.open(name)
            assert window.page.locator("main button").count() == 0, name
        store.close()


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
