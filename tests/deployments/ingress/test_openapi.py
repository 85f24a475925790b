"""The OpenAPI description: all routes, with request and response schemas and their statuses."""

from typing import Any

import pytest

from deployments.ingress.examples import BODIES
from deployments.ingress.http import create_app
from deployments.ingress.routes import ROUTERS
from tests.deployments.ingress.described import ROUTES, error_model, is_stream


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(ROUTERS).openapi()


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_all_40_routes_are_described(document: dict[str, Any]):
    assert len(ROUTES) == 40
    assert operations(document).keys() == ROUTES.keys()


@pytest.mark.parametrize("key", list(ROUTES), ids=" ".join)
def test_a_route_has_a_summary_a_response_schema_and_its_statuses(
    document: dict[str, Any], key: tuple[str, str]
):
    operation = operations(document)[key]
    assert operation["tags"]
    assert operation["description"].endswith(".")
    responses = operation["responses"]
    content = responses["200"]["content"]
    if is_stream(ROUTES[key]):
        (event,) = (each["schema"] for each in content.values())
        assert content.keys() == {"text/event-stream"}
        assert event["properties"].keys() == {"id", "event", "data"}
    else:
        name = content["application/json"]["schema"]["$ref"].removeprefix("#/components/schemas/")
        assert name in document["components"]["schemas"]
    errors = responses.keys() - {"200"}
    assert "500" in errors
    for status in errors:
        assert responses[status]["description"].endswith(".")
        reference = responses[status]["content"]["application/json"]["schema"]["$ref"]
        stores_nothing = (status, key[1].rsplit("/", 1)[1]) == ("503", "samples")
        name = "NotStoredResponse" if stores_nothing else error_model(key[1]).__name__
        assert reference.endswith(f"/{name}")


@pytest.mark.parametrize("key", [key for key in ROUTES if key[0] in ("POST", "PUT")], ids=" ".join)
def test_a_body_has_a_schema_an_example_and_the_statuses_of_its_errors(
    document: dict[str, Any], key: tuple[str, str]
):
    operation = operations(document)[key]
    content = operation["requestBody"]["content"]["application/json"]
    assert content["example"] in BODIES.values()
    assert content["example"].keys() <= content["schema"]["properties"].keys()
    assert "$ref" not in str(content["schema"]), "the schema needs no definitions from elsewhere"
    assert {"400", "413", "415", "422"} <= operation["responses"].keys()


def test_calls_that_use_the_store_or_models_may_be_busy_or_unavailable(document: dict[str, Any]):
    for (_, path), operation in operations(document).items():
        statuses = operation["responses"].keys()
        if path.startswith(("/v1/forecast", "/v1/links", "/v1/samples", "/v1/flags")):
            assert {"429", "503"} <= statuses, path
        if "{link_id}" in path and not path.endswith("/samples"):
            assert "404" in statuses, path
