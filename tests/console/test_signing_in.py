"""Sessions in a browser: signing in with a key, what its role allows, and signing out."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from pba.store import Store
from tests.console.conftest import Visit
from tests.console.scene import now_s
from tests.console.test_pages import assert_accessible
from tests.support.http_server import http_server
from tests.support.keys import key
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow]


def test_somebody_signs_in_with_a_key_and_out_again(tmp_path: Path, visit: Any):
    with http_server(tmp_path, follows=True) as url:
        sample = {"link_id": "fra1:a", "timestamp": now_s(), "bandwidth_mbps": 20.0}
        httpx.post(f"{url}/v1/samples", json={"samples": [sample]}).raise_for_status()
        record, header = key("reader", "fra1:*")
        store = Store(f"sqlite:///{tmp_path}/pba.db", now_s).ready()
        store.keys.add(record)
        wait_until(lambda: httpx.get(f"{url}/v1/links").status_code == 401, "the key counts")
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
        wait_until(lambda: _status(url, cookie) == 401, "the key is revoked")
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
        wait_until(lambda: httpx.get(f"{url}/v1/links").status_code == 401, "the key counts")
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
