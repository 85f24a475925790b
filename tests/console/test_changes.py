"""What the console changes: it says what will happen, asks why, and shows what comes of it."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from pba.client import PBAClient
from tests.console.conftest import Visit
from tests.console.test_pages import assert_accessible

pytestmark = [pytest.mark.slow]


def ask(window: Visit, button: str) -> None:
    """Press a button that asks before it changes anything."""
    window.page.get_by_role("button", name=button, exact=True).first.click()
    window.page.get_by_role("dialog").wait_for()


def card(window: Visit, words: str) -> None:
    """Wait until a card of the page says so."""
    window.page.locator(".card dd", has_text=words).wait_for()


def confirm(window: Visit, reason: str) -> None:
    """Give the reason, and have it done."""
    dialog = window.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_label("Reason").press("Enter")


def test_a_share_is_set_for_a_reason_and_set_back(changed: str, visit: Any):
    window = visit(changed)
    window.open("rollout")
    window.page.get_by_label("Share of links").fill("25")
    ask(window, "Set the share…")
    dialog = window.page.get_by_role("dialog")
    assert "buckets 25 to 99 of 100, about 75 %, move from v3 to v1" in dialog.inner_text()
    assert_accessible(window)
    dialog.get_by_role("button", name="Have v3 answer 25 %").click()
    expect(dialog).to_be_visible()  # there is no reason yet
    confirm(window, "a quarter first")
    card(window, "25 % of links")
    with PBAClient(changed) as client:
        (event,) = client.events(kind="flags_changed")["events"]
        assert event["body"]["reason"] == "a quarter first"
        window.page.get_by_role("status").get_by_role("button", name="Undo…").click()
        confirm(window, "back")
        card(window, "100 % of links")
        assert client.flags()["flags"]["v3_rollout_percentage"] == 100
    assert window.complaints == []


def test_the_kill_switch_is_named_as_what_it_does(changed: str, visit: Any):
    window = visit(changed)
    window.open("rollout")
    ask(window, "Have v1 answer everything…")
    confirm(window, "v3 is wrong")
    card(window, "the kill switch is on")
    ask(window, "Release the kill switch…")
    confirm(window, "v3 is right again")
    card(window, "100 % of links")


def test_who_comes_too_late_sees_what_it_is_now(changed: str, visit: Any):
    window = visit(changed)
    window.open("rollout")
    ask(window, "Turn off…")
    with PBAClient(changed) as client:
        client.set_flags({"shadow": True}, client.flags()["version"], "ben", "faster")
    confirm(window, "slower")
    alert = window.page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text("Read them again")
    window.page.get_by_role("button", name="Show what it is now").click()
    window.page.get_by_text("faster").wait_for()
    assert client_flags(changed)["enable_v3_prediction"] is True


def client_flags(url: str) -> dict[str, Any]:
    with PBAClient(url) as client:
        flags: dict[str, Any] = client.flags()["flags"]
    return flags


@pytest.mark.parametrize("status", [403, 503])
def test_a_change_that_is_refused_says_why_and_may_be_tried_again(
    changed: str, visit: Any, status: int
):
    window = visit(changed)
    window.open("rollout")
    body = {"error": {"code": "x", "message": f"the reason is {status}. Do this."}}

    def refuse(route: Route) -> None:
        if route.request.method == "PUT":
            route.fulfill(status=status, json=body)
        else:
            route.fallback()

    window.page.route("**/v1/flags", refuse)
    ask(window, "Turn off…")
    confirm(window, "to see")
    dialog = window.page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_have_text(f"the reason is {status}. Do this.")
    expect(dialog.get_by_role("button", name="Turn enable_v3_prediction off")).to_be_enabled()
    window.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_version_is_promoted_and_taken_back(changed: str, visit: Any):
    window = visit(changed)
    window.open("models")
    ask(window, "Promote…")
    dialog = window.page.get_by_role("dialog")
    assert "toy-2 becomes the champion of internet, in place of shipped" in dialog.inner_text()
    confirm(window, "better at night")
    window.page.get_by_text("Champion: toy-2").wait_for()
    assert "better at night" in window.text
    window.page.get_by_role("status").get_by_role("button", name="Undo…").click()
    confirm(window, "worse by day")
    window.page.get_by_text("rolled_back").wait_for()
    assert window.page.get_by_text("Champion: shipped").count() == 2
    assert "worse by day" in window.text
    assert window.complaints == []


def test_a_retraining_is_started(changed: str, visit: Any):
    window = visit(changed)
    window.open("drift")
    ask(window, "Retrain internet…")
    assert "promotes it only if it is better" in window.page.get_by_role("dialog").inner_text()
    confirm(window, "a new network")
    window.page.get_by_text("submitted: retrain-internet-0-0").wait_for()
    assert "a new network (local)" in window.text
