"""The Open Inference Protocol over HTTP: what the models return, in JSON and in bytes."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from deployments.ingress.inference_errors import is_inference
from pba.errors import Unavailable
from pba.models.onnx import OnnxForecaster
from pba.types import Floats
from tests.deployments.ingress.described import ROUTES, assert_described, route_of
from tests.support.in_process import InProcess, open_in_process

INFER = "/v2/models/internet/infer"
LENGTH = "Inference-Header-Content-Length"
OUTPUTS = ("probabilities", "level_mbps", "path")


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        yield opened


def telemetry(windows: int = 3) -> Floats:
    """Return windows of which some values were not measured."""
    rng = np.random.default_rng(0)
    values = rng.uniform(1.0, 90.0, (windows, 60, 5)).astype(np.float32)
    values[:, :, 2] = 0.01
    values[0, :, 1:] = np.nan
    return values


def model(service: InProcess) -> OnnxForecaster:
    return service.models["internet"].host.forecaster


def request(values: Floats, **fields: Any) -> dict[str, Any]:
    data = [None if np.isnan(value) else float(value) for value in values.ravel()]
    tensor = {"name": "telemetry", "shape": list(values.shape), "datatype": "FP32", "data": data}
    return {"inputs": [tensor], **fields}


async def infer_in_bytes(
    service: InProcess, values: Floats, outputs: list[dict[str, Any]] | None = None, **fields: Any
) -> httpx.Response:
    tensor = {"name": "telemetry", "shape": list(values.shape), "datatype": "FP32"}
    tensor["parameters"] = {"binary_data_size": values.nbytes}
    document = {"inputs": [tensor], **({"outputs": outputs} if outputs else {}), **fields}
    text = json.dumps(document).encode()
    headers = {LENGTH: str(len(text)), "Content-Type": ""}
    body = text + values.tobytes()
    return await service.client.post(INFER, content=body, headers=headers)


def read(response: httpx.Response) -> dict[str, Floats]:
    """Return the outputs in a response, whether in JSON or in bytes."""
    assert response.status_code == 200, response.text
    length = int(response.headers.get(LENGTH, len(response.content)))
    document, rest = json.loads(response.content[:length]), response.content[length:]
    outputs = {}
    for tensor in document["outputs"]:
        assert tensor["datatype"] == "FP32"
        if "data" in tensor:
            values = np.array(tensor["data"], dtype=np.float32)
        else:
            size = tensor["parameters"]["binary_data_size"]
            values, rest = np.frombuffer(rest[:size], "<f4"), rest[size:]
        outputs[tensor["name"]] = values.reshape(tensor["shape"])
    assert not rest
    return outputs


def assert_outputs(service: InProcess, values: Floats, outputs: dict[str, Floats]) -> None:
    prediction = model(service).predict(values)
    assert set(outputs) == set(OUTPUTS)
    for name in OUTPUTS:
        expected = getattr(prediction, name)
        assert outputs[name].shape == expected.shape
        np.testing.assert_allclose(outputs[name], expected, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("version", [False, True])
async def test_a_model_answers_in_json(service: InProcess, version: bool):
    values = telemetry()
    path = f"/v2/models/internet/versions/{model(service).version}/infer" if version else INFER
    response = await service.client.post(path, json=request(values, id="17"))
    assert_outputs(service, values, read(response))
    document = response.json()
    expected = ("internet", model(service).version, "17")
    assert (document["model_name"], document["model_version"], document["id"]) == expected


async def test_nested_lists_are_read_as_flat_ones(service: InProcess):
    values = telemetry()
    flat, nested = request(values), request(values)
    nested["inputs"][0]["data"] = [
        [[None if value != value else value for value in row] for row in window]
        for window in values.tolist()
    ]
    answers = [(await service.client.post(INFER, json=body)).json() for body in (flat, nested)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("outputs", "fields", "in_bytes"),
    [
        (None, {}, set()),
        (None, {"parameters": {"binary_data_output": True}}, set(OUTPUTS)),
        (
            [{"name": name, "parameters": {"binary_data": True}} for name in OUTPUTS],
            {},
            set(OUTPUTS),
        ),
        (
            [
                {"name": "path"},
                {"name": "level_mbps", "parameters": {"binary_data": True}},
                {"name": "probabilities", "parameters": {"binary_data": False}},
            ],
            {},
            {"level_mbps"},
        ),
    ],
)
async def test_a_model_answers_in_bytes_where_they_are_requested(
    service: InProcess,
    outputs: list[dict[str, Any]] | None,
    fields: dict[str, Any],
    in_bytes: set[str],
):
    values = telemetry()
    response = await infer_in_bytes(service, values, outputs, **fields)
    assert_outputs(service, values, read(response))
    length = int(response.headers.get(LENGTH, len(response.content)))
    tensors = json.loads(response.content[:length])["outputs"]
    assert {tensor["name"] for tensor in tensors if "data" not in tensor} == in_bytes
    assert (LENGTH in response.headers) == bool(in_bytes)


async def test_only_what_is_requested_comes_back(service: InProcess):
    body = request(telemetry(), outputs=[{"name": "level_mbps"}])
    assert set(read(await service.client.post(INFER, json=body))) == {"level_mbps"}


async def test_a_model_with_intervals_returns_them(tmp_path: Path, service: InProcess):
    description = service.models["internet"].host.describe() | {"intervals": [5, 15]}
    service.services.inference._loaded.clear()
    service.models["internet"].host.describe = lambda: description  # type: ignore[method-assign]
    metadata = (await service.client.get("/v2/models/internet")).json()
    assert metadata["outputs"][-1] == {
        "name": "intervals",
        "datatype": "FP32",
        "shape": [-1, 2, description["bins"]],
    }


async def test_the_description_has_the_shapes_of_input_and_outputs(service: InProcess):
    metadata = (await service.client.get("/v2/models/internet")).json()
    assert metadata["name"] == "internet"
    assert metadata["versions"] == [model(service).version]
    (tensor,) = metadata["inputs"]
    assert tensor == {"name": "telemetry", "datatype": "FP32", "shape": [-1, 60, 5]}
    outputs = read(await service.client.post(INFER, json=request(telemetry(7))))
    described = {tensor["name"]: tensor["shape"] for tensor in metadata["outputs"]}
    assert {name: [-1, *values.shape[1:]] for name, values in outputs.items()} == described


async def test_every_route_answers_as_described(service: InProcess):
    routes = [(method, path) for method, path in ROUTES if is_inference(path)]
    for method, path in routes:
        target = path.format(mode="internet", version=model(service).version)
        body = request(telemetry()) if method == "POST" else None
        response = await service.client.request(method, target, json=body)
        assert response.status_code == 200, response.text
        assert_described(route_of(response), 200, response.json())
        assert route_of(response).path == path


async def test_health_and_server_are_described(service: InProcess):
    assert (await service.client.get("/v2/health/live")).json() == {"live": True}
    assert (await service.client.get("/v2/health/ready")).json() == {"ready": True}
    assert (await service.client.get("/v2")).json()["extensions"] == ["binary_tensor_data"]
    for path in ("", f"/versions/{model(service).version}"):
        ready = await service.client.get(f"/v2/models/internet{path}/ready")
        assert ready.json() == {"name": "internet", "ready": True}


async def test_a_model_that_does_not_answer_is_not_ready(service: InProcess):
    service.models["internet"].error = Unavailable("away")
    for path in ("/v2/health/ready", "/v2/models/internet/ready", "/v2/models/internet"):
        response = await service.client.get(path)
        assert response.status_code == 503
        assert isinstance(response.json()["error"], str)
    assert (await service.client.get("/v2/models/datacenter/ready")).status_code == 200


@pytest.mark.parametrize("path", ["", "/ready", "/infer"])
async def test_models_and_versions_that_do_not_serve_have_status_404(service: InProcess, path: str):
    method, body = ("POST", request(telemetry())) if path == "/infer" else ("GET", None)
    for name in ("moon", "v1", "internet/versions/older"):
        response = await service.client.request(method, f"/v2/models/{name}{path}", json=body)
        assert response.status_code == 404, name
        assert name.rpartition("/")[2] in response.json()["error"]


async def test_a_new_champion_answers_and_the_old_version_is_gone(service: InProcess):
    values = telemetry()
    await service.client.post(INFER, json=request(values))
    old = model(service).version
    model(service).version = "newer"
    response = await service.client.post(INFER, json=request(values))
    assert response.json()["model_version"] == "newer"
    path = f"/v2/models/internet/versions/{old}/infer"
    for _ in range(2):
        assert (await service.client.post(path, json=request(values))).status_code == 404
