"""Two routers over a real PostgreSQL server, and either of them killed."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator

import grpc
import httpx
import psutil
import pytest
from benchmarks.postgres import Postgres, postgresql

from deployments.__main__ import PORT_BLOCKS
from deployments.grpc import pba_pb2, pba_pb2_grpc
from pba.client import AsyncPBAClient, PBAClient, request
from pba.store import Store
from tests.deployments.conftest import RunningService, running_service
from tests.deployments.test_closed_loop import START_S, history, ready, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]

LINKS = [f"link{number}" for number in range(6)]
OWN_PORTS = range(PORT_BLOCKS.start, PORT_BLOCKS.stop)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def service(server: Postgres) -> Iterator[RunningService]:
    with running_service(routers=2, store_url=server.url) as running:
        wait_until(lambda: len(routers(running)) == 2, 60)
        yield running


def routers(service: RunningService) -> dict[int, str]:
    """Return the process of each router replica, and where it answers HTTP by itself."""
    found = {}
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):  # gone in the meantime
            if (
                "ray::ServeReplica:pba:Router" in " ".join(process.info["cmdline"] or ())
                and process.environ().get("RAY_TMPDIR") == str(service.folder)
                and (port := own_http_port(process))
            ):
                found[process.pid] = f"http://127.0.0.1:{port}"
    return found


def own_http_port(process: psutil.Process) -> int | None:
    listening = (one for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN)
    return next((one.laddr.port for one in listening if one.laddr.port in OWN_PORTS), None)


async def test_any_router_answers_for_any_link_and_a_killed_one_is_not_missed(
    service: RunningService, server: Postgres
):
    reported: dict[str, int] = {}
    stop = asyncio.Event()
    async with AsyncPBAClient(service.url) as client:

        async def control(link_id: str) -> None:
            await client.observe(link_id, history(60))
            for at in itertools.count(60):
                await client.observe(link_id, history(1, first=at))
                reported[link_id] = at + 1
                await client.link_forecast(link_id)
                if stop.is_set():
                    return

        working = [asyncio.create_task(control(link_id)) for link_id in LINKS]
        await asyncio.sleep(1)
        before = routers(service)
        killed = next(iter(before))
        psutil.Process(killed).kill()
        await asyncio.to_thread(wait_until, lambda: len(routers(service)) == 2, 60)
        await asyncio.sleep(1)
        stop.set()
        await asyncio.gather(*working)
    after = routers(service)
    assert len(after.keys() - before.keys()) == 1
    assert killed not in after
    for url in after.values():
        with PBAClient(url) as client:
            made = client.link_forecasts(LINKS)
            assert [one.link_id for one in made] == LINKS
    store = Store(server.url, lambda: 2e9)
    for link_id in LINKS:
        samples, _ = store.history(link_id, 0, 9e9, 1_000_000)
        assert (samples.timestamps_s - START_S).tolist() == list(range(reported[link_id]))
    store.close()


def test_without_its_server_the_service_does_what_needs_no_store_and_recovers(
    service: RunningService, server: Postgres
):
    before = routers(service)
    with PBAClient(service.url) as client:
        client.observe("scored", history(60))
        client.link_forecast("scored")
        server.kill()
        for _ in range(4):  # both routers
            made = client.forecast(history(60), link_id="scored")
            assert (made.source, made.reasons) == ("model", ("not_recorded",))
            refused(httpx.get(f"{service.url}/v1/links/scored/forecast"))
            refused(post_samples(service, 60))
        named, anonymous = bulk(service)
        assert (named["reasons"], anonymous["reasons"]) == (["not_recorded"], [])
        answer = httpx.get(f"{service.url}/readyz")
        assert answer.status_code == 503
        assert "'store': 'the telemetry store is away" in answer.json()["error"]["message"]
        over_grpc(service)
        server.start()
        wait_until(lambda: ready(service), 30)
        for at in range(60, 64):  # both routers
            assert post_samples(service, at).json()["accepted"] == 1
            assert client.link_forecast("scored").reasons == ()
        named, anonymous = bulk(service)
        assert (named["reasons"], anonymous["reasons"]) == ([], [])
        wait_until(lambda: client.link("scored")["hits"] >= 3, 30)
    assert routers(service) == before, "nothing was started anew"


def post_samples(service: RunningService, at: int) -> httpx.Response:
    body = {"samples": request(history(1, first=at))["history"]}
    return httpx.post(f"{service.url}/v1/links/scored/samples", json=body)


def refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"]["code"] == "store_unavailable"


def bulk(service: RunningService) -> list[dict[str, list[str]]]:
    items = [request(history(60), "scored"), request(history(60))]
    answer = httpx.post(f"{service.url}/v1/forecasts", json={"requests": items})
    return [item["forecast"] for item in answer.raise_for_status().json()["forecasts"]]


def over_grpc(service: RunningService) -> None:
    sample = pba_pb2.Sample(timestamp_s=START_S + 60, bandwidth_mbps=50)
    asked = pba_pb2.ObserveRequest(samples=[pba_pb2.LinkSample(link_id="scored", sample=sample)])
    with (
        grpc.insecure_channel(service.grpc_address) as channel,
        pytest.raises(grpc.RpcError) as error,
    ):
        pba_pb2_grpc.PredictorStub(channel).Observe(asked, timeout=10)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    assert dict(error.value.trailing_metadata())["grpc-retry-pushback-ms"] == "1000"
