"""Files at the console: read apart from the router, within limits, for who may have a forecast."""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deployments.ingress.trace_upload import Upload, UploadReader
from pba.errors import Busy, InvalidTrace
from tests.support.in_process import InProcess, open_in_process
from tests.support.keys import key

TABLE = b"timestamp_s,bandwidth_mbps,rtt_us\n1,20,40000\n2,21,x\n3,1e9,40000\n"


def body(content: bytes, **others: Any) -> dict[str, Any]:
    return {"content": base64.b64encode(content).decode(), **others}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        yield opened


async def test_a_file_becomes_columns_and_notes(service: InProcess):
    upload = body(TABLE, name="../home/link.csv")
    response = await service.client.post("/console/traces", json=upload)
    assert response.status_code == 200, response.text
    document = response.json()
    assert (document["format"], document["links"]) == ("table", 1)
    (trace,) = document["traces"]
    assert trace["history"]["bandwidth_mbps"] == [20.0, 21.0]
    assert trace["history"]["latency_ms"] == [40.0, None]
    assert len(document["notes"]) == 3
    assert not any("/tmp" in note for note in document["notes"])
    forecast = await service.client.post("/v1/forecast", json={"history": trace["history"]})
    assert forecast.status_code == 200, forecast.text


async def test_only_who_may_have_a_forecast_has_files_read(service: InProcess):
    record, header = key("reader", "fra1:*")
    service.services.stores.flags.keys.add(record)
    await service.services.callers.refresh()
    assert (await service.client.post("/console/traces", json=body(TABLE))).status_code == 401
    allowed = await service.client.post("/console/traces", json=body(TABLE), headers=header)
    assert allowed.status_code == 200
    session = {"key": header["Authorization"].removeprefix("Bearer ")}
    await service.client.post("/console/session", json=session)  # the client keeps the cookie
    assert (await service.client.post("/console/traces", json=body(TABLE))).status_code == 401


async def test_a_body_that_is_no_file_is_refused_with_its_field(service: InProcess):
    for wrong, field in (({"content": "%"}, "content"), ({}, "content"), (body(b"", x=1), "x")):
        response = await service.client.post("/console/traces", json=wrong)
        assert (response.status_code, response.json()["error"]["field"]) == (422, field)
    large = await service.client.post("/console/traces", json=body(b"x" * 5_000_000))
    assert large.status_code == 413


async def test_a_file_that_would_fill_the_memory_or_take_long_ends_alone():
    bomb = 200 * gzip.compress(b"1 1\n" * (1 << 22))  # 3 MB of 3 GB
    with pytest.raises(InvalidTrace, match="more memory or time"):
        await UploadReader().read(Upload(bomb, "bomb.gz"))
    with pytest.raises(InvalidTrace, match="more memory or time"):
        await UploadReader(time_s=0.01).read(Upload(TABLE))


async def test_one_file_is_read_at_a_time():
    reader = UploadReader()
    first = asyncio.create_task(reader.read(Upload(TABLE)))
    await asyncio.sleep(0)
    with pytest.raises(Busy, match="another file"):
        await reader.read(Upload(TABLE))
    assert (await first)["links"] == 1
    assert (await reader.read(Upload(TABLE)))["links"] == 1
