"""Queries that mean nothing get 422, never an error of the service."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from pba.client import request
from pba.types import rfc3339_of
from tests.support.histories import INTERNET
from tests.support.in_process import InProcess, open_in_process

TIMES = ["/v1/links/a/history?from={}", "/v1/links/a/history?to={}", "/v1/rollout?since={}"]
COUNTS = ["/v1/links?limit={}", "/v1/links/a/history?limit={}", "/v1/events?limit={}"]
IMPOSSIBLE = ["nan", "-nan", "inf", "-inf", "Infinity", "1e400", "-1", "1e300", "x", "", "\0", "१e"]


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        body = {"samples": request(INTERNET)["history"]}
        await opened.client.post("/v1/links/a/samples", json=body)
        yield opened


async def refused(service: InProcess, query: str, value: str) -> str:
    """Return the message of the refusal, which names the parameter."""
    response = await service.client.get(query.format(quote(value)))
    assert response.status_code == 422, (query, value, response.text)
    error = response.json()["error"]
    assert error["field"] == query.partition("?")[2].partition("=")[0]
    assert len(error["message"]) < 400
    return str(error["message"])


@pytest.mark.parametrize("query", TIMES)
async def test_a_time_is_one_between_1970_and_9999(service: InProcess, query: str):
    for value in (*IMPOSSIBLE, "1e12", "1700000000000", "253402300800", "9" * 5000, "0001-01-01"):
        message = await refused(service, query, value)
        assert "RFC 3339" in message or "Divide milliseconds by 1000" in message
    for value in ("0", "1700000000.5", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00+05:30"):
        response = await service.client.get(query.format(quote(value)))
        assert response.status_code == 200, value


async def test_a_time_means_the_same_in_both_forms(service: InProcess):
    middle = request(INTERNET)["history"][30]["timestamp"]
    texts = {str(middle), rfc3339_of(middle), rfc3339_of(middle).removesuffix("Z")}
    answers = [
        (await service.client.get(f"/v1/links/a/history?from={quote(text)}")).json()["samples"]
        for text in texts
    ]
    assert len(answers[0]) == len(INTERNET) - 30
    assert all(answer == answers[0] for answer in answers)


@pytest.mark.parametrize("query", COUNTS)
async def test_a_count_is_one_to_10_000(service: InProcess, query: str):
    for value in (*IMPOSSIBLE, "0", "10001", "1e3", "9" * 30, "9" * 5000, "0x10"):
        await refused(service, query, value)
    assert (await service.client.get(query.format(10_000))).status_code == 200


async def test_the_cursor_of_events_is_a_number_that_a_database_can_hold(service: InProcess):
    for value in (*IMPOSSIBLE, "9223372036854775808", "9" * 400):
        await refused(service, "/v1/events?cursor={}", value)
    response = await service.client.get("/v1/events?cursor=9223372036854775807")
    assert response.status_code == 200


async def test_texts_that_nothing_is_called_are_refused(service: InProcess):
    for value in ("\0", "a/b", "a b", "Büro", "x" * 201):
        await refused(service, "/v1/links?cursor={}", value)
        await refused(service, "/v1/events?kind={}", value)
        await refused(service, "/v1/events?link_id={}", value)
        await refused(service, "/v1/links?mode={}", value)
    await refused(service, "/v1/links/a/forecast?allocation={}", "\0")
