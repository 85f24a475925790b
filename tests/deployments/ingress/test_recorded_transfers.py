"""Which answers about transfers are recorded, and where their scores are shown."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pba.monitoring.transfer_job import TransferJob
from pba.store import Store
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key

START_S = 1_700_000_000.0
BYTES = 25_000_000  # 10 s at 20 Mbps
AS_OF = {"as_of": "newest"}
LINK = "/v1/links/fra1:a"


def rows(first: int, count: int, **fields: Any) -> dict[str, Any]:
    return {
        "samples": [
            {"timestamp": START_S + second, "bandwidth_mbps": 20.0, **fields}
            for second in range(first, first + count)
        ]
    }


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    """Open a service that has stored one link."""
    async with open_in_process(tmp_path) as opened:
        await opened.client.post(f"{LINK}/samples", json=rows(0, 70))
        yield opened


async def post(service: InProcess, path: str, body: Any, **options: Any) -> Any:
    response = await service.client.post(path, json=body, params=AS_OF, **options)
    assert response.status_code == 200, response.text
    return response.json()


async def transfers(service: InProcess) -> dict[str, Any]:
    await service.services.plane.drain()
    summary: dict[str, Any] = (await service.client.get("/v1/metrics")).json()["transfers"]
    return summary


def due_at_once(service: InProcess) -> Store:
    """Return the store, whose clock is now ten seconds on."""
    store = service.services.stores.reports
    clock = store._clock
    store.jobs._clock = lambda: clock() + 10.0
    return store


async def test_a_transfer_over_a_stored_link_is_scored_by_its_samples(service: InProcess):
    await post(service, "/v1/transfer", {"link_id": "fra1:a", "bytes": BYTES})
    assert await transfers(service) == {
        "open": 1,
        "modes": {},
        "scored": 0,
        "censored": 0,
        "unscored": 0,
        "coverage_80": None,
        "faster": None,
        "slower": None,
    }
    await service.client.post(f"{LINK}/samples", json=rows(70, 12))
    TransferJob(due_at_once(service)).run()
    summary = await transfers(service)
    assert (summary["open"], summary["scored"], summary["censored"]) == (0, 1, 0)
    link = (await service.client.get(LINK)).json()
    assert link["transfers"]["coverage_80"] == summary["coverage_80"]
    (mode,) = summary["modes"].values()
    assert mode == link["transfers"]


async def test_samples_of_a_transfer_that_runs_do_not_score_it(service: InProcess):
    await post(service, "/v1/transfer", {"link_id": "fra1:a", "bytes": BYTES})
    await service.services.plane.drain()
    await service.client.post(f"{LINK}/samples", json=rows(70, 12, during_transfer=True))
    TransferJob(due_at_once(service)).run()
    summary = await transfers(service)
    assert (summary["open"], summary["scored"], summary["unscored"]) == (0, 0, 1)
    past = (await service.client.get(f"{LINK}/history", params={"limit": 3})).json()["samples"]
    assert [sample["during_transfer"] for sample in past] == [True] * 3


async def test_a_single_answer_is_recorded_and_one_of_many_on_request(service: InProcess):
    one = {"link_id": "fra1:a"}
    many = [one | {"bytes": 1}, one | {"bytes": 2, "record": True}, {"bytes": 0}]
    await post(service, "/v1/transfers", {"requests": many})
    assert (await transfers(service))["open"] == 1
    await post(service, "/v1/transfer", one | {"bytes": 3, "record": False})
    params = {"bytes": 4, "record": False, **AS_OF}
    assert (await service.client.get(f"{LINK}/transfer", params=params)).status_code == 200
    assert (await transfers(service))["open"] == 1
    await service.client.get(f"{LINK}/transfer", params={"bytes": 5, **AS_OF})
    assert (await transfers(service))["open"] == 2


async def test_what_cannot_be_scored_is_not_recorded(service: InProcess):
    stored = {"link_id": "fra1:a", "bytes": BYTES}
    await post(service, "/v1/transfer", stored | {"dirty_mbps": 1.0})
    await post(service, "/v1/transfer", {"history": rows(0, 70)["samples"], "bytes": BYTES})
    stale = await service.client.post("/v1/transfer", json=stored)
    assert "stale" in stale.json()["reasons"]
    assert (await transfers(service))["open"] == 0


async def test_who_may_only_read_records_nothing(service: InProcess):
    record, header = key("reader", "fra1:*")
    service.services.stores.flags.keys.add(record)
    await service.services.callers.refresh()
    body = {"link_id": "fra1:a", "bytes": BYTES, "record": True}
    answer = await post(service, "/v1/transfer", body, headers=header)
    await service.services.plane.drain()
    assert "not_recorded" in answer["reasons"]
    assert service.services.stores.reports.summary()["transfers"]["open"] == 0


@pytest.mark.parametrize("more", [{"history": rows(0, 9)["samples"]}, {"dirty_mbps": 1.0}])
async def test_a_request_to_record_what_cannot_be_scored_is_refused(
    service: InProcess, more: dict[str, Any]
):
    link = {} if "history" in more else {"link_id": "fra1:a"}
    body = {"bytes": 1, "record": True} | link | more
    response = await service.client.post("/v1/transfer", json=body)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == "record"
