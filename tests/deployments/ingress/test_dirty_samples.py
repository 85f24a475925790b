"""Requests with one bad item among good ones, as people report them of neighbouring tools."""

import json
import math
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from deployments.ingress.request_reading import read_query, read_samples
from deployments.ingress.routes.samples import observe
from pba.security.identity import ANYBODY
from pba.types import COLUMNS
from tests.support.in_process import InProcess, open_in_process

START_S = 1_772_366_400
TEN_YEARS_AHEAD_S = 2_087_726_400


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path, v1=False) as opened:
        yield opened


async def post(service: InProcess, path: str, body: Mapping[str, Any]) -> httpx.Response:
    """Send ``body`` as `json.dumps` writes it, NaN as it stands."""
    return await service.client.post(path, content=json.dumps(body))


def rows(count: int, **column: Mapping[int, Any]) -> list[dict[str, Any]]:
    """Return samples of a link of about 80 Mbps; ``column`` replaces values in some rows."""
    samples = [
        {"timestamp": START_S + row, "bandwidth_mbps": 80.0 + row % 7, "packet_loss": 0.01}
        for row in range(count)
    ]
    for name, values in column.items():
        for row, value in values.items():
            samples[row][name] = value
    return samples


def in_columns(samples: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = [name for name in ("timestamp", *COLUMNS) if any(name in row for row in samples)]
    return {name: [row.get(name) for row in samples] for name in names}


def reports(link_ids: list[str], last: dict[str, Any]) -> dict[str, Any]:
    samples = [{"link_id": name, "timestamp": START_S, "bandwidth_mbps": 50.0} for name in link_ids]
    samples[-1] |= last
    return {"samples": samples}


NAMES = [f"site-{number}:wan" for number in range(21)]


@pytest.mark.parametrize(
    ("last", "field"),
    [
        ({"timestamp": TEN_YEARS_AHEAD_S}, "timestamp"),
        ({"timestamp": "2026-03-01 12:01:04 UTC"}, "timestamp"),
        ({"timestamp": START_S * 1000}, "timestamp"),
        ({"bandwidth_mbps": math.nan}, "bandwidth_mbps"),
        ({"bandwidth_mbps": -1}, "bandwidth_mbps"),
        ({"link_id": "site 20"}, "link_id"),
    ],
)
async def test_one_bad_item_costs_the_other_twenty_links_nothing(
    service: InProcess, last: dict[str, Any], field: str
):
    for _ in range(2):  # a reporter that sends again is not stuck
        response = await post(service, "/v1/samples", reports(NAMES, last))
        assert response.status_code == 200
        body = response.json()
    (refused,) = body["refused"]
    link_id = last.get("link_id", NAMES[-1])
    assert (refused["index"], refused["link_id"]) == (20, link_id)
    assert refused["error"]["field"] == f"samples[20].{field}"
    assert body["links"][link_id]["refused"] == [refused]
    assert body["links"][link_id]["mode"] is None
    assert all(body["links"][name]["duplicates"] == 1 for name in NAMES[:20])
    links = (await service.client.get("/v1/links")).json()["links"]
    assert [link["link_id"] for link in links] == sorted(NAMES[:20])


async def test_if_every_item_is_refused_the_answer_still_says_each(service: InProcess):
    samples = rows(2, bandwidth_mbps={0: -1, 1: None})
    response = await post(service, "/v1/links/a/samples", {"samples": samples})
    assert response.status_code == 200
    receipt = response.json()
    assert (receipt["accepted"], receipt["mode"]) == (0, None)
    assert [one["index"] for one in receipt["refused"]] == [0, 1]
    assert (await service.client.get("/v1/links/a")).status_code == 404


@pytest.mark.parametrize(("value", "ignored"), [(1.7965, 1), (-0.5, 1), (math.nan, 0)])
@pytest.mark.parametrize("columnar", [False, True])
async def test_a_loss_that_cannot_be_leaves_the_bandwidth(
    service: InProcess, value: float, ignored: int, columnar: bool
):
    samples = rows(40, packet_loss={20: value}, jitter_ms={21: 6e8})
    history: Any = in_columns(samples) if columnar else samples
    forecast = (await post(service, "/v1/forecast", {"history": history})).json()
    assert "ignored_values" in forecast["reasons"]
    assert forecast["bandwidth_mbps"] == pytest.approx(83, rel=0.1)
    response = await post(service, "/v1/links/a/samples", {"samples": history})
    assert response.json()["accepted"] == 40
    assert response.json()["ignored"] == ignored + 1
    stored = (await service.client.get("/v1/links/a/history")).json()["samples"]
    assert stored[20]["packet_loss"] is None
    assert stored[20]["bandwidth_mbps"] == samples[20]["bandwidth_mbps"]
    assert stored[19]["packet_loss"] == 0.01


async def test_one_bad_time_in_a_given_history_refuses_it_with_its_row(service: InProcess):
    bad = {"history": rows(80, timestamp={64: "2026-03-01 12:01:04 UTC"})}
    error = (await post(service, "/v1/forecast", bad)).json()["error"]
    assert error["field"] == "history[64].timestamp"
    assert "12:01:04 UTC" in error["message"]
    many = {"requests": [{"history": rows(80)}, bad, {"history": rows(80)}]}
    items = (await post(service, "/v1/forecasts", many)).json()["forecasts"]
    assert [list(item) for item in items] == [["forecast"], ["error"], ["forecast"]]
    assert items[1]["error"]["field"] == "history[64].timestamp"


async def test_a_named_history_with_a_time_ahead_is_refused_with_its_row(service: InProcess):
    bad = {"history": rows(40, timestamp={39: TEN_YEARS_AHEAD_S}), "link_id": "a"}
    error = (await post(service, "/v1/forecast", bad)).json()["error"]
    assert error["field"] == "history[39].timestamp"


async def test_times_with_digits_of_nanoseconds_are_read_to_microseconds(service: InProcess):
    samples = rows(30)
    for second, sample in enumerate(samples):
        sample["timestamp"] = f"2026-03-01T12:00:{second:02d}.123456{second % 10}00Z"
    forecast = (await post(service, "/v1/forecast", {"history": samples})).json()
    assert forecast["step_s"] == pytest.approx(1.0)
    close = rows(2, timestamp={0: START_S, 1: START_S + 2e-7})
    receipt = (await post(service, "/v1/links/a/samples", {"samples": close})).json()
    assert (receipt["accepted"], receipt["duplicates"]) == (1, 1)


async def test_rows_and_columns_give_the_same_forecast(service: InProcess):
    bodies = [{"history": rows(60)}, {"history": in_columns(rows(60))}]
    answers = (await post(service, "/v1/forecasts", {"requests": bodies})).json()["forecasts"]
    first, second = (answer["forecast"] for answer in answers)
    varying = ("made_at", "age_s")
    assert {k: v for k, v in first.items() if k not in varying} == {
        k: v for k, v in second.items() if k not in varying
    }
    handle = {"history": {name: np.array(values) for name, values in in_columns(rows(60)).items()}}
    forecast = await service.services.plane.forecast(read_query(handle), 0.0)
    assert forecast.bandwidth_mbps == first["bandwidth_mbps"]


async def test_a_handle_call_gets_the_same_receipts(service: InProcess):
    body = reports(NAMES, {"timestamp": TEN_YEARS_AHEAD_S})
    over_http = (await post(service, "/v1/samples", body)).json()
    read = read_samples(body, 100)
    again = await observe(service.services.plane, ANYBODY, read, 0.0)
    assert again["refused"] == over_http["refused"]
    assert again["links"].keys() == over_http["links"].keys()


async def test_one_bad_request_among_hundreds_costs_no_other(service: InProcess):
    bodies = [{"history": rows(3)} for _ in range(300)]
    bodies[200] = {"history": rows(3, bandwidth_mbps={1: -1})}
    bodies[250] = {"history": rows(3), "color": "red"}
    items = (await post(service, "/v1/forecasts", {"requests": bodies})).json()["forecasts"]
    errors = {place: item["error"]["field"] for place, item in enumerate(items) if "error" in item}
    assert errors == {200: "history[1].bandwidth_mbps", 250: "color"}
    assert all("forecast" in item for place, item in enumerate(items) if place not in errors)
