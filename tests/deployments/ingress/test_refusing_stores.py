"""Whatever keeps the store away, the service forecasts, says why, and recovers by itself."""

import asyncio
from pathlib import Path

import pytest

from pba.client import request
from pba.store.engine import connect, transaction
from tests.support.histories import steady_history
from tests.support.in_process import InProcess, open_in_process

NEWER = [
    "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
    "INSERT INTO alembic_version VALUES ('v999')",
]
FOREIGN = ["CREATE TABLE links (x integer)"]


def run(url: str, *statements: str) -> None:
    engine = connect(url)
    with transaction(engine, writes=True) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


async def assert_forecasts_without_store(service: InProcess, why: str) -> None:
    """Assert that forecasts go on, unrecorded, and that readiness gives the cause ``why``."""
    for link_id, reasons in ((None, ["stale"]), ("a", ["stale", "not_recorded"])):
        body = request(steady_history(60), link_id)
        response = await service.client.post("/v1/forecast", json=body)
        assert (response.status_code, response.json()["reasons"]) == (200, reasons)
    for method, path in (("GET", "/v1/links/a/forecast"), ("GET", "/v1/flags")):
        response = await service.client.request(method, path)
        assert (response.status_code, response.headers["retry-after"]) == (503, "3")
    response = await service.client.get("/readyz")
    assert response.status_code == 503
    assert why in response.json()["error"]["message"]


async def assert_recovers(service: InProcess) -> None:
    """Assert that samples are stored and forecast from within seconds, without a restart."""
    body = {"samples": request(steady_history(60))["history"]}
    for _ in range(300):
        if (await service.client.get("/readyz")).status_code == 200:
            break
        await asyncio.sleep(0.1)
    response = await service.client.post("/v1/links/a/samples", json=body)
    assert response.json()["accepted"] == 60
    response = await service.client.get("/v1/links/a/forecast")
    assert response.json()["reasons"] == ["stale"]
    assert service.services.flags.running


@pytest.mark.parametrize(
    ("statements", "why", "removal"),
    [
        (NEWER, "its schema is at 'v999'", "DROP TABLE alembic_version"),
        (FOREIGN, "table links already exists", "DROP TABLE links"),
    ],
)
async def test_a_schema_that_is_not_this_releases(
    tmp_path: Path, statements: list[str], why: str, removal: str
):
    url = f"sqlite:///{tmp_path}/pba.db"
    run(url, *statements)
    async with open_in_process(tmp_path) as service:
        await service.services.flags.start()
        await assert_forecasts_without_store(service, why)
        run(url, removal)
        await assert_recovers(service)
        service.services.flags.stop()


async def test_a_folder_that_cannot_be_created(tmp_path: Path):
    data = tmp_path / "data"
    await asyncio.to_thread(data.touch)
    async with open_in_process(tmp_path, store_url=f"sqlite:///{data}/pba.db") as service:
        await service.services.flags.start()
        await assert_forecasts_without_store(service, "File exists")
        await asyncio.to_thread(data.unlink)
        await assert_recovers(service)
        service.services.flags.stop()


async def test_tables_that_are_lost_while_it_runs(tmp_path: Path):
    async with open_in_process(tmp_path, flags_every_s=0.01) as service:
        await service.services.flags.start()
        await assert_recovers(service)
        run(f"sqlite:///{tmp_path}/pba.db", "DROP TABLE links", "ALTER TABLE flags RENAME TO f")
        await asyncio.sleep(0.1)
        await assert_forecasts_without_store(service, "the telemetry store is away")
        assert service.services.flags.running, "it is not restarted, which would help nobody"
        service.services.flags.stop()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://anna:ab@s3cret@db/pba", "an @ inside its user or password"),
        ("postgresql://anna:s3cret@db:port/pba", "a port that is not a number"),
        ("postgres://anna:s3cret@127.0.0.1:1/pba", "Connection refused"),
        ("mysql://anna:s3cret@db/pba", "store_url is mysql://"),
    ],
)
async def test_a_url_that_does_not_work_is_named_without_its_password(
    tmp_path: Path, url: str, why: str, caplog: pytest.LogCaptureFixture
):
    async with open_in_process(tmp_path, store_url=url) as service:
        await service.services.flags.start()
        await assert_forecasts_without_store(service, why)
        readiness = (await service.client.get("/readyz")).text
        service.services.flags.stop()
    logged = "".join(str(vars(record)) for record in caplog.records)
    assert "flags_not_read" in logged
    assert "s3cret" not in readiness + logged
