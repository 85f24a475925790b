"""Questions about transfers over services in this process."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pba.types.transfer import TransferForecast
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key

START_S = 1_700_000_000.0
ROWS = [{"timestamp": START_S + second, "bandwidth_mbps": 20.0} for second in range(70)]
BYTES = 10**8
AS_OF = {"as_of": "newest"}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    """Open a service that has stored one link."""
    async with open_in_process(tmp_path) as opened:
        await opened.client.post("/v1/links/fra1:a/samples", json={"samples": ROWS})
        yield opened


async def post(service: InProcess, path: str, body: Any, **options: Any) -> Any:
    response = await service.client.post(path, json=body, params=AS_OF, **options)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_link_a_history_and_a_query_get_the_same_durations(service: InProcess):
    more = {"bytes": BYTES, "deadline_s": 60.0, "dirty_mbps": 2.0}
    stored = await post(service, "/v1/transfer", {"link_id": "fra1:a"} | more)
    given = await post(service, "/v1/transfer", {"history": ROWS} | more)
    path = "/v1/links/fra1:a/transfer"
    by_query = (await service.client.get(path, params={**more, **AS_OF})).json()
    assert stored["duration_s"] == given["duration_s"] == by_query["duration_s"]
    assert (stored["link_id"], given["link_id"]) == ("fra1:a", None)
    assert TransferForecast.from_dict(stored).duration_s[3] == pytest.approx(44.0, rel=0.2)
    assert stored["precopy"]["probability_converges"] == 1.0


async def test_each_of_many_is_answered_in_its_place(service: InProcess):
    requests = [
        {"history": ROWS, "bytes": BYTES},
        {"link_id": "unknown", "bytes": BYTES},
        {"link_id": "fra1:a", "bytes": 2 * BYTES},
        {"link_id": "fra1:a", "bytes": 0},
        {"link_id": "fra1:a", "history": ROWS, "bytes": 1},
        {"link_id": "fra1:a", "bytes": BYTES},
        {"history": ROWS[:1], "bytes": BYTES},
    ]
    items = (await post(service, "/v1/transfers", {"requests": requests}))["transfers"]
    answers = {index: item["transfer"] for index, item in enumerate(items) if "transfer" in item}
    codes = {index: item["error"]["code"] for index, item in enumerate(items) if "error" in item}
    assert {index: answer["bytes"] for index, answer in answers.items()} == {
        0: BYTES,
        2: 2 * BYTES,
        5: BYTES,
    }
    assert codes == {
        1: "not_found",
        3: "invalid_request",
        4: "invalid_request",
        6: "invalid_history",
    }
    assert answers[0]["duration_s"] == answers[5]["duration_s"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"bytes": 1}, "link_id"),
        ({"bytes": 1, "link_id": "a", "history": ROWS}, "link_id"),
        ({"bytes": 1, "link_id": "a/b"}, "link_id"),
        ({"bytes": 1, "link_id": "a", "mode": "internet"}, "mode"),
        ({"bytes": 0, "link_id": "a"}, "bytes"),
        ({"bytes": 1.5, "link_id": "a"}, "bytes"),
        ({"link_id": "a"}, "bytes"),
        ({"bytes": 1, "link_id": "a", "deadline_s": 0}, "deadline_s"),
        ({"bytes": 1, "link_id": "a", "dirty_mbps": -1}, "dirty_mbps"),
    ],
)
async def test_what_breaks_a_rule_is_refused_with_its_field(
    service: InProcess, body: dict[str, Any], field: str
):
    response = await service.client.post("/v1/transfer", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field


async def test_items_outside_the_scope_are_forbidden_each_for_itself(service: InProcess):
    record, header = key("reader", "ams2:*")
    service.services.stores.flags.keys.add(record)
    await service.services.callers.refresh()
    requests = [{"link_id": "fra1:a", "bytes": 1}, {"history": ROWS, "bytes": 1}]
    body = {"requests": requests}
    first, second = (await post(service, "/v1/transfers", body, headers=header))["transfers"]
    assert first["error"]["code"] == "forbidden"
    assert "transfer" in second


async def test_many_transfers_are_answered_in_threads(service: InProcess):
    requests = [{"link_id": "fra1:a", "bytes": BYTES * n, "dirty_mbps": 1} for n in range(1, 71)]
    items = (await post(service, "/v1/transfers", {"requests": requests}))["transfers"]
    assert [item["transfer"]["bytes"] for item in items] == [BYTES * n for n in range(1, 71)]
