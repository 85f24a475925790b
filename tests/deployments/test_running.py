"""What callers and operators see of a service that runs: HTTP, handles, scaling, faults, reload."""

import asyncio
import contextlib
import copy
import ipaddress
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from deployments.ingress.examples import BODIES, LINK_ID
from pba.client.client import PBAClient, _Call, request
from pba.errors import InvalidSample
from pba.models import v1_features
from pba.serving.local_service import LocalService
from pba.types import Forecast, History, NetworkMode
from tests.deployments.conftest import RunningService
from tests.toy import toy_artifact

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(240)]


def history(mbps: float, rtt_ms: float | None = None, count: int = 60, seed: int = 0) -> History:
    rng = np.random.default_rng(seed)
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps * np.exp(rng.normal(0, 0.05, count))
    telemetry[:, 1] = np.nan if rtt_ms is None else rtt_ms
    return History(np.arange(count, dtype=float), telemetry)


INTERNET, DATACENTER = history(50.0), history(8000.0, rtt_ms=1.0)
BORDERLINE = history(2000.0, rtt_ms=20.0)


def same(one: Forecast, other: Forecast) -> None:
    """Hold that two forecasts say the same, whenever they were made."""
    for a, b in zip(one.horizons, other.horizons, strict=True):
        assert a.bandwidth_mbps == pytest.approx(b.bandwidth_mbps, rel=1e-5)
        assert a.confidence == pytest.approx(b.confidence, abs=1e-5)
        assert a.quantiles_mbps == pytest.approx(b.quantiles_mbps, rel=1e-5)
    assert (one.mode, one.source, one.reasons) == (other.mode, other.source, other.reasons)


def test_http_gives_the_forecasts_of_one_process(service: RunningService):
    local = LocalService.load(service.folder)
    with PBAClient(service.url) as client:
        for given in (INTERNET, DATACENTER, BORDERLINE, INTERNET.last(10)):
            same(client.forecast(given), local.forecast(given))


def test_nothing_listens_beyond_loopback(service: RunningService):
    found = listening(service)
    assert "ray::ServeRepli" in {name for name, _ in found}
    assert {address for _, address in found} <= {"127.0.0.1", "::1"}, found


def listening(service: RunningService) -> set[tuple[str, str]]:
    """Return the name and address of every listening socket of the service's processes."""
    sockets: dict[str, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone in the meantime
            if str(service.folder).encode() in (process / "environ").read_bytes():
                name = (process / "comm").read_text().strip()
                sockets |= {os.readlink(held): name for held in (process / "fd").iterdir()}
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {
        (sockets[f"socket:[{row[9]}]"], address(row[1].split(":")[0]))
        for row in rows
        if row[3] == "0A" and f"socket:[{row[9]}]" in sockets  # 0A: listening
    }


def address(hexadecimal: str) -> str:
    """Return an address of /proc/net/tcp, which holds words of the machine's byte order."""
    words = bytes.fromhex(hexadecimal)
    swapped = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    found = ipaddress.ip_address(swapped)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def test_a_handle_call_from_a_second_program_gives_the_same_as_http(service: RunningService):
    with PBAClient(service.url) as client:
        over_http = client.forecast(BORDERLINE)
    call, named = json.dumps(request(BORDERLINE)), json.dumps(request(BORDERLINE, "fra1:ams2"))
    one, many = service.program(
        "handle = serve.get_app_handle('pba')\n"
        f"one = handle.forecast.remote(json.loads({call!r})).result()\n"
        f"many = handle.forecasts.remote([json.loads({named!r}), {{}}]).result()\n"
        "print(json.dumps([one, many]))"
    )
    same(Forecast.from_dict(one), over_http)
    same(Forecast.from_dict(many[0]["forecast"]), over_http)
    assert many[1]["error"]["code"] == "invalid_request"
    assert (one["link_id"], many[0]["forecast"]["link_id"]) == (None, "fra1:ams2")


def test_a_handle_call_raises_the_errors_of_pba(service: RunningService):
    told = service.program(
        "from pba.errors import InvalidRequest\n"
        "handle = serve.get_app_handle('pba')\n"
        "try:\n    handle.forecast.remote({'history': 5}).result()\n"
        "except InvalidRequest as error:\n    print(json.dumps(str(error)))"
    )
    assert "history is 5" in told


def test_bad_input_gets_its_error_and_every_answer_an_id(service: RunningService):
    good = request(INTERNET)
    loss = copy.deepcopy(good)
    loss["history"][12]["packet_loss"] = 1.7
    for content, code, kind in (
        (b"{", 400, "not_json"),
        (json.dumps(loss).encode(), 422, "invalid_sample"),
        (json.dumps({"history": good["history"][:1]}).encode(), 422, "invalid_history"),
    ):
        answer = httpx.post(
            f"{service.url}/v1/forecast", content=content, headers={"X-Request-ID": "mine"}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (code, kind)
        assert answer.headers["x-request-id"] == "mine"
    assert httpx.get(f"{service.url}/livez").headers["x-request-id"]
    many = {"requests": [{}] * 10_001}
    assert httpx.post(f"{service.url}/v1/forecasts", json=many).status_code == 413


def test_a_bulk_call_answers_each_item_in_its_place(service: RunningService):
    with PBAClient(service.url) as client:
        made = client.forecasts([INTERNET, INTERNET.first(1), DATACENTER])
    assert isinstance(made[0], Forecast)
    assert not isinstance(made[1], Forecast)
    assert isinstance(made[2], Forecast)
    assert [item.mode for item in (made[0], made[2])] == ["internet", "datacenter"]


@pytest.mark.parametrize("mbps", [0.0, 1e-6, 1e6])
def test_extreme_histories_get_finite_forecasts(service: RunningService, mbps: float):
    telemetry = np.full((60, 5), np.nan)
    telemetry[:, 0] = mbps
    with PBAClient(service.url) as client:
        made = client.forecast(History(np.arange(60.0), telemetry))
    for horizon in made.horizons:
        assert np.isfinite(
            [horizon.bandwidth_mbps, horizon.confidence, *horizon.quantiles_mbps]
        ).all()
    assert made.bandwidth_mbps == pytest.approx(mbps, rel=0.2, abs=1e-3)


def test_models_tell_what_serves(service: RunningService):
    with PBAClient(service.url) as client:
        told = client.models()
    assert [told[mode]["version"] for mode in ("datacenter", "internet")] == ["toy-1", "toy-1"]
    assert told["internet"]["window"] == 60
    assert set(told) == {"datacenter", "internet", "v1"}


async def test_v1_sleeps_until_it_is_asked_and_goes_back_to_sleep(service: RunningService):
    def v1() -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{service.url}/v1/models").json()["models"]["v1"]
        return found

    asleep = {"mode": "v1", "asleep": True}
    await until(lambda: v1() == asleep, 10)  # a busy machine answers an error at times
    for _ in range(20):  # to be told of it does not wake it
        v1()
        await asyncio.sleep(0.2)
    assert service.program(_REPLICAS)["BaselineModel"] == 0
    given = v1_features.features(INTERNET.timestamps_s + 1.7e9, INTERNET.telemetry)[-10:]
    level = await asyncio.to_thread(service.program, _ASK_V1.format(given.tolist()))
    assert level == pytest.approx(given[-1, 0])
    await until(lambda: v1() == {"mode": "v1", "asleep": False}, 10)
    await until(lambda: v1() == asleep, 60)


_ASK_V1 = """
import numpy as np
nan = float("nan")
v1 = serve.get_deployment_handle("BaselineModel", "pba")
said = v1.predict.remote(np.array([{}], dtype=np.float32)).result(timeout_s=60)
print(json.dumps(float(said.prediction.level_mbps[0])))
"""


def test_the_docs_describe_the_body(service: RunningService):
    told = httpx.get(f"{service.url}/openapi.json").json()
    body = told["paths"]["/v1/forecast"]["post"]["requestBody"]["content"]["application/json"]
    item = body["schema"]["properties"]["history"]["items"]["properties"]
    assert item["packet_loss"]["anyOf"][0]["maximum"] == 1


async def test_overload_gets_429_with_retry_after_and_nothing_else_breaks(service: RunningService):
    body = {"requests": [request(INTERNET)] * 50}
    limits = httpx.Limits(max_connections=150)
    async with httpx.AsyncClient(base_url=service.url, timeout=60, limits=limits) as client:
        calls = [client.post("/v1/forecasts", json=body) for _ in range(150)]
        answers = await asyncio.gather(*calls)
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) == {200, 429}, codes
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["code"] == "busy"


async def test_killing_one_models_replicas_leaves_every_request_answered(service: RunningService):
    answers: list[httpx.Response] = []
    stop = asyncio.Event()
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:

        async def load() -> None:
            while not stop.is_set():
                answers.append(await client.post("/v1/forecast", json=request(BORDERLINE)))

        workers = [asyncio.create_task(load()) for _ in range(4)]
        await asyncio.sleep(1)
        killed = await asyncio.to_thread(service.program, _KILL.format("InternetModel"))
        await asyncio.sleep(3)
        stop.set()
        await asyncio.gather(*workers)
    assert killed
    assert {answer.status_code for answer in answers} == {200}
    sources = Counter(answer.json()["source"] for answer in answers)
    assert sources["ensemble"] > 0
    await until(lambda: forecast_source(service) == "ensemble", 60)


_KILL = """
import os, signal
from ray._private.state import actors
found = [a["Pid"] for a in actors().values()
         if a["State"] == "ALIVE" and "{}" in a["Name"] and a["Name"].startswith("SERVE_REPLICA")]
for pid in found:
    os.kill(pid, signal.SIGKILL)
print(json.dumps(found))
"""


def forecast_source(service: RunningService) -> str:
    return str(httpx.post(f"{service.url}/v1/forecast", json=request(BORDERLINE)).json()["source"])


async def until(holds: Callable[[], bool], limit_s: float) -> None:
    """Wait for ``holds``; fail after ``limit_s``."""
    limit = time.monotonic() + limit_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < limit, "it did not happen in time"
        await asyncio.sleep(0.5)


async def test_internet_load_scales_the_internet_model_alone_and_back(service: RunningService):
    seen: list[dict[str, int]] = []

    def replicas() -> dict[str, int]:
        seen.append(service.program(_REPLICAS))
        return seen[-1]

    one_each = {"DatacenterModel": 1, "InternetModel": 1, "BaselineModel": 0}
    await until(lambda: replicas() == one_each, 60)  # the killed one of before is back
    seen.clear()
    stop = asyncio.Event()
    body = json.dumps({"requests": [request(INTERNET)] * 64})
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:

        async def load() -> None:
            while not stop.is_set():
                await client.post("/v1/forecasts", content=body)

        workers = [asyncio.create_task(load()) for _ in range(12)]
        await until(lambda: replicas()["InternetModel"] == 2, 90)
        stop.set()
        await asyncio.gather(*workers)
    await until(lambda: replicas()["InternetModel"] == 1, 90)
    assert {count["DatacenterModel"] for count in seen} == {1}


_REPLICAS = """
app = serve.status().applications["pba"]
print(json.dumps({name: deployment.replica_states.get("RUNNING", 0)
                  for name, deployment in app.deployments.items() if name.endswith("Model")}))
"""


async def test_a_new_model_is_swapped_in_and_a_broken_one_refused(service: RunningService):
    said: list[tuple[str, list[str]]] = []
    stop = asyncio.Event()
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as client:

        async def load() -> None:
            while not stop.is_set():
                answer = await client.post("/v1/forecast", json=request(INTERNET))
                assert answer.status_code == 200
                body = answer.json()
                said.append((body["model_version"], body["reasons"]))

        worker = asyncio.create_task(load())
        newer = toy_artifact(service.folder / "newer", NetworkMode.INTERNET, "toy-2")
        await asyncio.to_thread(service.deploy, pointing(service, newer))
        await until(lambda: told(service)["version"] == "toy-2", 60)
        broken = toy_artifact(service.folder / "broken", NetworkMode.INTERNET, "toy-3")
        (broken / "internet_bandwidth_predictor.onnx").write_bytes(b"not a model")
        await asyncio.to_thread(service.deploy, pointing(service, broken))
        await until(lambda: told(service)["refused"] is not None, 60)
        stop.set()
        await worker
    assert "sha256" in told(service)["refused"]
    assert told(service)["version"] == "toy-2"
    assert all(reasons == [] for _, reasons in said), Counter(map(str, said))
    versions = [version for version, _ in said]
    assert set(versions) == {"toy-1", "toy-2"}
    assert versions == sorted(versions)


def pointing(service: RunningService, model: Path) -> dict[str, Any]:
    """Return the service's config with another internet model."""
    config = copy.deepcopy(service.config)
    for deployment in config["applications"][0]["deployments"]:
        if deployment["name"] == "InternetModel":
            deployment["user_config"]["model"] = str(model)
    return config


def told(service: RunningService) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{service.url}/v1/models").json()["models"]["internet"]
    return answer


def test_errors_reach_clients_as_what_they_are(service: RunningService):
    wrong = copy.deepcopy(request(INTERNET))
    wrong["history"][0]["packet_loss"] = 1.7
    with PBAClient(service.url) as client, pytest.raises(InvalidSample, match=r"1\.7"):
        client._call(_Call("POST", "/v1/forecast", wrong))


def test_every_example_of_the_docs_runs(service: RunningService):
    told = httpx.get(f"{service.url}/openapi.json").json()["paths"]
    link = f"/v1/links/{LINK_ID}"
    httpx.post(f"{service.url}{link}/samples", json=BODIES["SamplesBody"]).raise_for_status()
    refused = {"/v1/models/internet/promote": 404, "/v1/models/internet/rollback": 409}
    calls = [(path, *one) for path, methods in told.items() for one in methods.items()]
    for path, method, operation in sorted(calls, key=lambda call: call[1] == "delete"):
        body = operation.get("requestBody", {}).get("content", {"application/json": {}})
        place = path.format(link_id=LINK_ID, mode="internet")
        example = body["application/json"].get("example")
        answer = httpx.request(method, service.url + place, json=example, timeout=20)
        assert answer.status_code == refused.get(place, 200), (method, path, answer.text)
    assert {method for _, method, _ in calls} == {"get", "post", "put", "delete"}


async def test_a_killed_service_frees_its_port(service: RunningService):  # the last: it ends it
    service.process.kill()
    port = service.config["http_options"]["port"]

    def free() -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return True
        return False

    await until(free, 30)
