"""Waits before a request is sent again."""

import httpx
import pytest

from pba.client.retries import retry_after_s

DATE = "Wed, 25 Nov 2026 02:36:00 GMT"


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("86400", 30.0),
        ("Wed, 25 Nov 2026 02:36:04 GMT", 4.0),
        ("Wed, 25 Nov 2026 02:35:00 GMT", 0.0),
        ("Thu, 26 Nov 2026 02:36:00 GMT", 30.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 99 Nov 2026 02:36:04 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_of_at_most_30_s(value, wait_s):
    response = httpx.Response(503, headers={"Retry-After": value, "Date": DATE})
    assert retry_after_s(response) == wait_s


def test_a_date_is_compared_with_the_own_clock_where_the_response_has_none():
    headers = {"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}
    assert retry_after_s(httpx.Response(503, headers=headers)) == 0.0


def test_a_response_without_the_header_prescribes_nothing():
    assert retry_after_s(httpx.Response(503)) is None
