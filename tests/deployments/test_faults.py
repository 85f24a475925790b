"""Two routers over a real PostgreSQL server: a router is killed, then the server."""

import asyncio
import itertools
import signal
import time

import grpc
import httpx
import psutil
import psycopg
import pytest

from deployments.grpc import pba_pb2, pba_pb2_grpc
from pba.client import AsyncPBAClient, PBAClient, request
from pba.store import Store
from tests.support.histories import START_S, steady_history
from tests.support.ports import is_free
from tests.support.postgres import Postgres
from tests.support.processes import routers
from tests.support.service import RunningService
from tests.support.waiting import until, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]

LINKS = [f"link{number}" for number in range(6)]


@pytest.fixture(scope="module")
def server(killable_postgres: Postgres) -> Postgres:
    return killable_postgres


@pytest.fixture(scope="module")
def service(postgres_service: RunningService) -> RunningService:
    return postgres_service


async def test_any_router_serves_any_link_and_no_call_fails_when_one_is_killed(
    service: RunningService, server: Postgres
):
    reported = dict.fromkeys(LINKS, 0)
    stop = asyncio.Event()
    async with AsyncPBAClient(service.url) as client:

        async def control(link_id: str) -> None:
            await client.observe(link_id, steady_history(60))
            for second in itertools.count(60):
                await client.observe(link_id, steady_history(1, first=second))
                reported[link_id] = second + 1
                await client.link_forecast(link_id)
                if stop.is_set():
                    return

        async def progress() -> None:
            targets = {link_id: max(reported[link_id], 60) + 5 for link_id in LINKS}
            await until(lambda: all(reported[name] >= targets[name] for name in LINKS))

        tasks = [asyncio.create_task(control(link_id)) for link_id in LINKS]
        await progress()
        before = routers(service)
        killed = next(iter(before))
        psutil.Process(killed).kill()
        await until(lambda: len(routers(service).keys() - {killed}) == 2)
        await progress()
        stop.set()
        await asyncio.gather(*tasks)
    after = routers(service)
    assert len(after.keys() - before.keys()) == 1
    assert killed not in after
    for url in after.values():
        with PBAClient(url) as client:
            forecasts = client.link_forecasts(LINKS)
            assert [forecast.link_id for forecast in forecasts] == LINKS
    assert stored(server) == {link_id: list(range(reported[link_id])) for link_id in LINKS}


def stored(server: Postgres) -> dict[str, list[float]]:
    """Return the seconds of the stored samples of each link."""
    store = Store(server.url, lambda: 2e9)
    seconds = {}
    for link_id in LINKS:
        samples, _ = store.history(link_id, 0, 9e9, 1_000_000)
        seconds[link_id] = (samples.timestamps_s - START_S).tolist()
    store.close()
    return seconds


def test_without_its_database_the_service_forecasts_given_histories_and_recovers(
    service: RunningService, server: Postgres
):
    before = routers(service)
    with PBAClient(service.url) as client:
        client.observe("scored", steady_history(60))
        client.link_forecast("scored")
        server.kill()
        for _ in range(4):  # both routers
            forecast = client.forecast(steady_history(60), link_id="scored")
            assert (forecast.source, forecast.reasons) == ("model", ("stale", "not_recorded"))
            assert_unavailable(httpx.get(f"{service.url}/v1/links/scored/forecast"))
            assert_unavailable(post_samples(service, 60))
        named, anonymous = bulk(service)
        assert (named["reasons"], anonymous["reasons"]) == (["stale", "not_recorded"], ["stale"])
        response = httpx.get(f"{service.url}/readyz")
        assert response.status_code == 503
        assert "'store': 'the telemetry store is away" in response.json()["error"]["message"]
        assert_unavailable_over_grpc(service)
        server.start()
        wait_until(service.is_ready)
        for second in range(60, 64):  # both routers
            assert post_samples(service, second).json()["accepted"] == 1
            assert client.link_forecast("scored").reasons == ("stale",)
        named, anonymous = bulk(service)
        assert (named["reasons"], anonymous["reasons"]) == (["stale"], ["stale"])
        wait_until(lambda: client.link("scored")["hits"] >= 3)
    assert routers(service) == before, "no router was restarted"


def test_a_database_that_loses_a_table_costs_no_router(service: RunningService, server: Postgres):
    before = routers(service)
    with psycopg.connect(server.url, autocommit=True) as database:
        database.execute("ALTER TABLE flags RENAME TO flags_away")
        wait_until(lambda: both_name_the_table(service))
        with PBAClient(service.url) as client:
            ends_s = time.monotonic() + 12  # Serve looks at the replicas' health every 10 s
            while time.monotonic() < ends_s:
                forecast = client.forecast(steady_history(60), link_id="scored")
                assert forecast.reasons == ("stale", "not_recorded")
        database.execute("ALTER TABLE flags_away RENAME TO flags")
    wait_until(service.is_ready)
    for second in range(64, 68):  # both routers
        wait_until(lambda second=second: post_samples(service, second).is_success)
    assert routers(service) == before, "no router was restarted"


def both_name_the_table(service: RunningService) -> bool:
    """Whether each router has noticed: ten responses do not all come from one."""
    responses = (httpx.get(f"{service.url}/readyz") for _ in range(10))
    return all("the tables flags" in response.text for response in responses)


def post_samples(service: RunningService, second: int) -> httpx.Response:
    body = {"samples": request(steady_history(1, first=second))["history"]}
    return httpx.post(f"{service.url}/v1/links/scored/samples", json=body)


def assert_unavailable(response: httpx.Response) -> None:
    assert (response.status_code, response.headers["retry-after"]) == (503, "3")
    assert response.json()["error"]["code"] == "store_unavailable"


def bulk(service: RunningService) -> list[dict[str, list[str]]]:
    items = [request(steady_history(60), "scored"), request(steady_history(60))]
    response = httpx.post(f"{service.url}/v1/forecasts", json={"requests": items})
    return [item["forecast"] for item in response.raise_for_status().json()["forecasts"]]


def assert_unavailable_over_grpc(service: RunningService) -> None:
    sample = pba_pb2.Sample(timestamp_s=START_S + 60, bandwidth_mbps=50)
    report = pba_pb2.LinkSample(link_id="scored", sample=sample)
    observe = pba_pb2.ObserveRequest(samples=[report])
    with (
        grpc.insecure_channel(service.grpc_address) as channel,
        pytest.raises(grpc.RpcError) as error,
    ):
        pba_pb2_grpc.PredictorStub(channel).Observe(observe, timeout=60)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert dict(error.value.trailing_metadata())["grpc-retry-pushback-ms"] == "3000"


def test_ctrl_c_stops_it_with_one_line(service: RunningService):  # the last: it ends the service
    shown = service.screen
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(60) == 0, service.output()
    (line,) = service.screen.removeprefix(shown).splitlines()
    assert line.startswith("Stopping ... stopped after ")
    assert is_free(service.config["http_options"]["port"])
