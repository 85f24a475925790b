"""What gRPC clients see of a service that runs."""

import asyncio
import copy
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from deployments.grpc import inference_pb2, pba_pb2 as pb, pba_pb2_grpc
from pba.client import AsyncPBAClient, PBAClient
from tests.deployments.grpc import messages
from tests.deployments.grpc.both import Both
from tests.deployments.grpc.parity import LINK, PAIRS, ROWS
from tests.regression.closeness import differences
from tests.support.histories import BORDERLINE, DATACENTER, INTERNET, assert_same
from tests.support.processes import ROUTERS, locked_store
from tests.support.service import PROJECT, RunningService
from tests.support.waiting import until, wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture(scope="module")
def channel(service: RunningService) -> grpc.Channel:
    with grpc.insecure_channel(service.grpc_address) as opened:
        yield opened


@pytest.fixture
def stub(channel: grpc.Channel) -> pba_pb2_grpc.PredictorStub:
    return pba_pb2_grpc.PredictorStub(channel)


def test_grpc_gives_the_forecasts_of_http(
    service: RunningService, stub: pba_pb2_grpc.PredictorStub
):
    with PBAClient(service.url) as client:
        for history in (INTERNET, DATACENTER, BORDERLINE, INTERNET.last(10)):
            response = stub.Forecast(messages.request(history), timeout=60)
            assert_same(messages.forecast(response.forecast), client.forecast(history))


def test_advice_comes_with_a_forecast_on_request(stub: pba_pb2_grpc.PredictorStub):
    request = messages.request(INTERNET, link_id="fra1:ams2", allocation={"quantile": 0.25})
    forecast = stub.Forecast(request, timeout=60).forecast
    assert forecast.link_id == "fra1:ams2"
    assert forecast.allocation.quantile == 0.25
    assert forecast.allocation.safe_rate_mbps == forecast.horizons[0].quantiles[2].bandwidth_mbps


def test_observed_samples_are_stored_once(
    service: RunningService, stub: pba_pb2_grpc.PredictorStub
):
    request = pb.ObserveRequest(
        samples=[
            pb.LinkSample(link_id=link_id, sample=sample)
            for link_id in ("grpc:a", "grpc:b")
            for sample in messages.request(INTERNET).history
        ]
    )
    first, again = (stub.Observe(request, timeout=60).links["grpc:b"] for _ in range(2))
    assert (first.accepted, first.duplicates, first.mode) == (60, 0, pb.MODE_INTERNET)
    assert (again.accepted, again.duplicates) == (0, 60)
    forecast = httpx.get(f"{service.url}/v1/links/grpc:a/forecast").json()
    assert forecast["source"] != "heuristic"


def test_a_bad_observation_costs_no_other_and_is_named_as_the_proto_names_it(
    stub: pba_pb2_grpc.PredictorStub,
):
    samples = [pb.LinkSample(link_id="grpc:c", sample=item) for item in MIXED]
    response = stub.Observe(pb.ObserveRequest(samples=samples), timeout=60)
    receipt = response.links["grpc:c"]
    assert (receipt.accepted, receipt.ignored) == (2, 1)
    (refused,) = response.refused
    assert (refused.index, refused.link_id) == (1, "grpc:c")
    assert refused.error.field == "samples[1].sample.bandwidth_mbps"


MIXED = [
    pb.Sample(timestamp_s=1.0, bandwidth_mbps=5.0),
    pb.Sample(timestamp_s=2.0, bandwidth_mbps=-5.0),
    pb.Sample(timestamp_s=3.0, bandwidth_mbps=5.0, packet_loss=1.7),
]


def test_a_batch_gives_each_item_in_its_place(stub: pba_pb2_grpc.PredictorStub):
    requests = [messages.request(item) for item in (INTERNET, INTERNET.first(1), DATACENTER)]
    items = stub.ForecastBatch(pb.ForecastBatchRequest(requests=requests), timeout=60).forecasts
    assert [item.WhichOneof("outcome") for item in items] == ["forecast", "error", "forecast"]
    assert items[1].error.code == "invalid_history"
    assert [items[index].forecast.mode for index in (0, 2)] == [
        pb.MODE_INTERNET,
        pb.MODE_DATACENTER,
    ]


def test_a_batch_of_many_megabytes_comes_through(
    service: RunningService, stub: pba_pb2_grpc.PredictorStub
):
    request = pb.ForecastBatchRequest(requests=[messages.request(INTERNET)] * 4000)
    assert request.ByteSize() > 4 * 2**20  # the largest message that gRPC takes by default
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(service.grpc_address, options) as opened:
        response = pba_pb2_grpc.PredictorStub(opened).ForecastBatch(request, timeout=60)
    assert {item.WhichOneof("outcome") for item in response.forecasts} == {"forecast"}
    assert len(response.forecasts) == 4000


def test_a_bad_sample_is_an_invalid_argument_and_named(stub: pba_pb2_grpc.PredictorStub):
    wrong = messages.request(INTERNET)
    wrong.history[12].bandwidth_mbps = -1.7
    with pytest.raises(grpc.RpcError) as caught:
        stub.Forecast(wrong, timeout=60, metadata=(("x-request-id", "mine"),))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    metadata = dict(caught.value.trailing_metadata())
    assert metadata["pba-error-code"] == "invalid_sample"
    assert metadata["pba-error-field"] == "history[12].bandwidth_mbps"
    assert metadata["x-request-id"] == "mine"


def test_overload_is_refused_and_nothing_else_breaks(
    service: RunningService, stub: pba_pb2_grpc.PredictorStub
):
    sample = pb.Sample(timestamp_s=1.0, bandwidth_mbps=5.0)
    with locked_store(service):  # so that calls stay in flight
        calls = [
            stub.Observe.future(
                pb.ObserveRequest(samples=[pb.LinkSample(link_id=f"busy:{n}", sample=sample)]),
                timeout=60,
            )
            for n in range(40)
        ]
        wait_until(lambda: any(call.done() for call in calls))
    codes = Counter(call.code() for call in calls)
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}, codes
    assert codes[grpc.StatusCode.OK] >= 16
    refused = next(call for call in calls if call.code() is not grpc.StatusCode.OK)
    assert dict(refused.trailing_metadata())["pba-error-code"] == "busy"


def test_a_generated_client_works_in_a_process_of_its_own(service: RunningService):
    result = subprocess.run(
        [sys.executable, "-c", _CLIENT, service.grpc_address],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {
        "source": "model",
        "mode": "MODE_INTERNET",
        "steps": [1, 5, 15],
        "ray": False,
    }


_CLIENT = """
import json, sys, grpc
from deployments.grpc import pba_pb2, pba_pb2_grpc
history = [pba_pb2.Sample(timestamp_s=second, bandwidth_mbps=50.0) for second in range(60)]
with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = pba_pb2_grpc.PredictorStub(channel)
    forecast = stub.Forecast(pba_pb2.ForecastRequest(history=history), timeout=60).forecast
print(json.dumps({"source": forecast.source, "mode": pba_pb2.Mode.Name(forecast.mode),
                  "steps": [horizon.steps for horizon in forecast.horizons],
                  "ray": "ray" in sys.modules}))
"""


def output_of_docs(service: RunningService, name: str) -> str:
    """Run an example of docs/grpc.md against the service; return what it prints."""
    page = (PROJECT / "docs/grpc.md").read_text()
    source = page.split(f"<!-- {name} -->\n```python\n")[1].split("```")[0]
    result = subprocess.run(
        [sys.executable, "-c", source.replace("127.0.0.1:9000", service.grpc_address)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return result.stdout


def test_the_examples_of_the_docs_print_what_they_are_for(service: RunningService):
    assert output_of_docs(service, "client").split()[2] == "model"
    *links, version = output_of_docs(service, "operations").splitlines()
    modes = [line.split()[1] for line in links[::2]]
    assert set(modes) <= set(pb.Mode.keys())
    assert 1 <= len(modes) <= 10
    assert int(version) >= 1


async def test_every_call_is_answered_as_over_http(service: RunningService):
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=30) as client,
        grpc.aio.insecure_channel(service.grpc_address) as opened,
    ):
        both = Both(client, opened)
        late = {**ROWS[0], "timestamp": ROWS[0]["timestamp"] + 100}
        await both.http("POST", f"/v1/links/{LINK}/samples", {"samples": [*ROWS, late]})
        for pair in PAIRS:
            lines = [""]
            for _ in range(5):  # what is recorded or scored meanwhile may differ once
                lines = differences(*await both.answers(pair), pair.target)
                if not lines:
                    break
                await asyncio.sleep(0.5)
            assert lines == []


@pytest.mark.parametrize("name", ["", "pba.v1.Predictor", "pba.v1.Operations"])
def test_health_is_serving(channel: grpc.Channel, name: str):
    request = health_pb2.HealthCheckRequest(service=name)
    stub = health_pb2_grpc.HealthStub(channel)

    def serving() -> bool:
        status = stub.Check(request, timeout=60).status
        return bool(status == health_pb2.HealthCheckResponse.SERVING)

    wait_until(serving, "serving, which the overload of another test interrupts,")


def test_reflection_lists_the_services_and_describes_ours(channel: grpc.Channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    descriptors = (pb.DESCRIPTOR, inference_pb2.DESCRIPTOR)
    services = [one for each in descriptors for one in each.services_by_name.values()]
    assert set(database.get_services()) == {
        *(service.full_name for service in services),
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    pool = DescriptorPool(database)
    for service in services:
        described = pool.FindServiceByName(service.full_name)
        assert set(described.methods_by_name) == set(service.methods_by_name)


async def test_a_router_is_replaced_without_an_error(service: RunningService):
    """The clients of both protocols retry; those over HTTP keep their connections."""
    codes: Counter[str] = Counter()
    stop = asyncio.Event()
    async with (
        grpc.aio.insecure_channel(service.grpc_address, messages.RETRYING) as opened,
        AsyncPBAClient(service.url) as client,
    ):
        stub = pba_pb2_grpc.PredictorStub(opened)

        async def load_http() -> None:
            while not stop.is_set():
                codes[(await client.forecast(INTERNET)).source] += 1

        async def load_grpc() -> None:
            while not stop.is_set():
                try:
                    await stub.Forecast(messages.request(INTERNET), timeout=60, wait_for_ready=True)
                    codes["OK"] += 1
                except grpc.aio.AioRpcError as error:
                    codes[f"{error.code()}: {error.details()}"] += 1

        workers = [asyncio.create_task(load()) for load in (load_grpc, load_http) for _ in range(4)]
        before = await asyncio.to_thread(service.program, ROUTERS)
        service.config = with_another_router(service)  # kept: later tests would replace it again
        await asyncio.to_thread(service.deploy, service.config)
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in before))
        stop.set()
        await asyncio.gather(*workers)
    assert before
    assert set(codes) == {"OK", "model"}, codes


def with_another_router(service: RunningService) -> dict[str, Any]:
    """Return the service's config with a change for which the router alone is replaced."""
    config = copy.deepcopy(service.config)
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "Router":
            deployment["ray_actor_options"] = {"num_cpus": 0.25}
    return config
