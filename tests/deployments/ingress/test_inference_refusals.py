"""The Open Inference Protocol over HTTP: what is refused, as text, and what harms nobody."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.deployments.ingress.test_inference import (
    INFER,
    LENGTH,
    infer_in_bytes,
    model,
    read,
    request,
    telemetry,
)
from tests.support.in_process import InProcess, open_in_process


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with open_in_process(tmp_path) as opened:
        yield opened


def changed(**fields: Any) -> dict[str, Any]:
    body = request(telemetry(1))
    body["inputs"][0] |= fields
    return body


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"inputs": []}, 422, "the one input is telemetry"),
        (changed(name="x"), 422, "the inputs are x"),
        (changed(datatype="FP64"), 422, "FP32"),
        (changed(shape=[1, 59, 5]), 422, "300 values"),
        (changed(shape=[1, 60, 5, 1]), 422, r"\[windows, 60, 5\]"),
        (changed(shape=[1, 30, 10]), 422, r"\[windows, 60, 5\]"),
        (changed(shape=[1, -60, -5]), 422, "positive"),
        (changed(shape=[]), 422, "positive"),
        (changed(shape=[10**30]), 422, "sizes"),
        (changed(shape=[1] * 65), 422, "one to 8 sizes"),
        (changed(shape=[9] * 1_000_000), 422, "one to 8 sizes"),
        (changed(data=[10**400] * 300), 422, "over 1.8e308|number"),
        (changed(data=["1"] * 300), 422, "numbers and nulls"),
        (changed(data=[True] * 300), 422, "numbers and nulls"),
        (changed(data=[[1.0] * 299, 1.0]), 422, "numbers and nulls"),
        (changed(data=None), 422, "numbers and nulls"),
        (changed(parameters={"binary_data_size": 1200}), 422, "binary_data_size"),
        (changed(extra=1), 422, "extra"),
        (request(telemetry(257)), 413, "at most 256"),
        (request(telemetry(1), outputs=[{"name": "x"}]), 422, "x is no output"),
        (
            request(telemetry(1), outputs=[{"name": "path", "parameters": {"classification": 3}}]),
            422,
            "classification is no extension",
        ),
    ],
)
async def test_a_wrong_request_is_refused_in_text(
    service: InProcess, body: dict[str, Any], status: int, words: str
):
    response = await service.client.post(INFER, json=body)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert isinstance(error, str)
    assert len(error) < 500
    assert re.search(words, error)


@pytest.mark.parametrize("length", ["x", "-1", "100000", "10", "9" * 5000])
async def test_a_wrong_length_of_the_json_is_refused(service: InProcess, length: str):
    response = await service.client.post(
        INFER, json=request(telemetry(1)), headers={LENGTH: length}
    )
    assert response.status_code in (400, 422)
    assert isinstance(response.json()["error"], str)


async def test_bytes_that_are_too_few_are_refused(service: InProcess):
    values = telemetry()
    response = await infer_in_bytes(service, values[:, :, :4].copy())
    assert response.status_code == 422
    response = await infer_in_bytes(service, values, inputs=[])
    assert response.status_code == 422


async def test_values_that_no_link_has_harm_nobody(service: InProcess):
    """They share runs with others, where outputs are decoded."""
    values = telemetry(4)
    values[0], values[1], values[2] = np.nan, np.inf, -1e30
    response = await infer_in_bytes(service, values)
    outputs = read(response)
    expected = model(service).predict(values[3:])
    np.testing.assert_allclose(outputs["probabilities"][3:], expected.probabilities, rtol=1e-6)


async def test_errors_before_the_routes_are_texts_too(service: InProcess):
    pages = [
        await service.client.get("/v2/unknown"),
        await service.client.request("DELETE", INFER),
        await service.client.post(INFER, content=b"x", headers={"Content-Type": "text/plain"}),
        await service.client.get("/v2/models/a%2Fb"),
        await service.client.get("/v2", headers={"Sec-Fetch-Site": "cross-site"}),
    ]
    statuses = [response.status_code for response in pages]
    assert statuses == [404, 405, 415, 422, 403]
    for response in pages:
        assert isinstance(response.json()["error"], str)
        assert int(response.headers["content-length"]) == len(response.content)
    other = await service.client.get("/v1/unknown")
    assert other.json()["error"]["code"] == "not_found"
    head = await service.client.head("/v2/unknown")
    assert (head.status_code, head.content) == (404, b"")
