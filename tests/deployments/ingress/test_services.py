"""The end of a router: what it has forecast is written first, within a limit."""

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from deployments.ingress import services
from pba.client import request
from pba.store import Receipt, Store, WriteBatch
from tests.support.histories import INTERNET
from tests.support.in_process import open_in_process


def recorded(folder: Path) -> int:
    with sqlite3.connect(folder / "pba.db") as database:
        (count,) = database.execute("SELECT count(*) FROM open_forecasts").fetchone()
    database.close()
    return int(count)


async def test_what_was_forecast_is_written_before_a_router_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write = Store.write

    def write_slowly(store: Store, batch: WriteBatch) -> list[Receipt]:
        if batch.forecasts:
            time.sleep(0.5)
        return write(store, batch)

    monkeypatch.setattr(Store, "write", write_slowly)
    async with open_in_process(tmp_path) as service:
        body = request(INTERNET, link_id="a")
        assert (await service.client.post("/v1/forecast", json=body)).status_code == 200
        assert recorded(tmp_path) == 0
        await service.services.close()
        assert recorded(tmp_path) == 1


async def test_a_store_that_hangs_does_not_keep_a_router_from_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    write, answered = Store.write, threading.Event()

    def hang(store: Store, batch: WriteBatch) -> list[Receipt]:
        if batch.forecasts:
            answered.wait(60)
        return write(store, batch)

    monkeypatch.setattr(services, "_DRAIN_S", 0.1)
    monkeypatch.setattr(Store, "write", hang)
    async with open_in_process(tmp_path) as service:
        body = request(INTERNET, link_id="a")
        assert (await service.client.post("/v1/forecast", json=body)).status_code == 200
        await service.services.close()
        answered.set()
    assert "not_all_recorded" in caplog.messages
