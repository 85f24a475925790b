"""Report and request in one call: the receipts of HTTP and of a handle carry forecasts."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deployments.ingress.response_models import (
    NotStoredResponse,
    ReceiptResponse,
    ReceiptsResponse,
)
from deployments.ingress.router import Router
from pba.client import request
from pba.errors import InvalidRequest, StoreUnavailable
from tests.support.histories import INTERNET
from tests.support.in_process import InProcess, open_in_process

SAMPLES = request(INTERNET)["history"]
MANY = {
    "samples": [{"link_id": name} | sample for name in ("a", "b") for sample in SAMPLES]
    + [{"link_id": "short"} | SAMPLES[0], {"link_id": "a b"} | SAMPLES[0]]
}
TIMES = {"made_at", "age_s"}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        yield opened


def timeless(forecast: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in forecast.items() if name not in TIMES}


async def by_name(service: InProcess, link_id: str, query: str = "") -> dict[str, Any]:
    response = await service.client.get(f"/v1/links/{link_id}/forecast{query}")
    document: dict[str, Any] = response.json()
    return timeless(document)


@pytest.mark.parametrize("query", ["", "&allocation=true", "&as_of=newest"])
async def test_the_receipt_of_a_link_carries_its_forecast(service: InProcess, query: str):
    path = f"/v1/links/a/samples?forecast=true{query}"
    response = await service.client.post(path, json={"samples": SAMPLES})
    receipt = response.json()
    ReceiptResponse.model_validate(receipt, extra="forbid")
    assert (response.status_code, receipt["accepted"]) == (200, len(SAMPLES))
    assert timeless(receipt["forecast"]) == await by_name(service, "a", f"?{query[1:]}")
    assert ("allocation" in receipt["forecast"]) == ("allocation" in query)
    assert (receipt["forecast"]["age_s"] == 0.0) == ("as_of" in query)


async def test_without_the_parameter_there_is_no_forecast(service: InProcess):
    response = await service.client.post("/v1/links/a/samples", json={"samples": SAMPLES})
    assert not response.json().keys() & {"forecast", "error"}


async def test_each_receipt_of_many_links_carries_a_forecast_or_an_error(service: InProcess):
    response = await service.client.post("/v1/samples?forecast=true", json=MANY)
    document = response.json()
    ReceiptsResponse.model_validate(document, extra="forbid")
    links = document["links"]
    assert links["short"]["error"]["code"] == "invalid_history"
    assert links["a b"]["error"]["code"] == "invalid_input"
    assert [sample["link_id"] for sample in document["refused"]] == ["a b"]
    for name in ("a", "b"):
        assert timeless(links[name]["forecast"]) == await by_name(service, name)


async def test_a_handle_call_requests_forecasts_beside_its_samples(service: InProcess):
    router = service.router(1000)
    receipts = await Router.observe(router, {**MANY, "forecast": True})
    assert timeless(receipts["links"]["a"]["forecast"]) == await by_name(service, "a")
    assert receipts["links"]["short"]["error"]["code"] == "invalid_history"
    plain = await Router.observe(router, {**MANY, "forecast": False})
    assert "forecast" not in plain["links"]["a"]
    with pytest.raises(InvalidRequest, match="true or false"):
        await Router.observe(router, {**MANY, "forecast": "yes"})


async def test_a_store_that_is_away_costs_the_record_and_not_the_forecasts(
    service: InProcess, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(*_: object) -> None:
        raise StoreUnavailable("the telemetry store is away.")

    monkeypatch.setattr(service.services.plane._links, "_commit", refuse)
    for path, body in (
        ("/v1/links/a/samples", {"samples": SAMPLES}),
        ("/v1/samples", MANY),
    ):
        plain = await service.client.post(path, json=body)
        assert (plain.status_code, plain.json().keys()) == (503, {"error"})
        response = await service.client.post(f"{path}?forecast=true", json=body)
        assert (response.status_code, response.headers["retry-after"]) == (503, "3")
        document = response.json()
        NotStoredResponse.model_validate(document, extra="forbid")
        assert document["error"]["code"] == "store_unavailable"
        forecast = document["forecasts"]["a"]["forecast"]
        assert forecast["source"] == "model"
        assert forecast["reasons"][-1] == "not_recorded"
    assert document["forecasts"]["short"]["error"]["code"] == "invalid_history"
