"""The table in docs/grpc.md: the gRPC counterpart of every HTTP call."""

from collections.abc import Iterator, Mapping
from typing import Any

from deployments.grpc import pba_pb2
from deployments.grpc.access_control import METHODS
from deployments.ingress.http import create_app
from deployments.ingress.routes import ROUTERS
from pba.security.calls import PUBLIC

SAME: Mapping[str, str] = {"link_samples": "samples", "link_transfer": "transfer"}
"""Calls about one link, and the call whose method takes links by name."""

HEALTH, REFLECTION = "`grpc.health.v1.Health.Check`", "reflection lists services and messages"
OTHERS: Mapping[str, str] = {
    "GET /": REFLECTION,
    "GET /livez": f"{HEALTH}, with any status",
    "GET /readyz": f"{HEALTH}: `SERVING`; the causes are for HTTP and the log",
    "GET /v2/health/live": "`GRPCInferenceService.ServerLive`",
    "GET /v2/health/ready": "`GRPCInferenceService.ServerReady`",
}
"""What public routes have for a counterpart."""

INFERENCE: Mapping[str, str] = {
    "GET /v2": "ServerMetadata",
    **{
        f"{method} /v2/models/{{mode}}{version}{what}": name
        for version in ("", "/versions/{version}")
        for method, what, name in (
            ("GET", "", "ModelMetadata"),
            ("GET", "/ready", "ModelReady"),
            ("POST", "/infer", "ModelInfer"),
        )
    },
}
"""What the calls of the Open Inference Protocol are called there."""

PAGES = ("`GET /docs`, `GET /openapi.json`", "The calls described, for browsers and tools.")


STREAM = ("`Predictor.ForecastStream`", "Forecast from histories as they come, over gRPC alone.")


def operations(schema: Mapping[str, Any] | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield method and path of every call in OpenAPI, with its description."""
    schema = schema or create_app(ROUTERS).openapi()
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def counterpart(way: str, call: str) -> str:
    """Return what gRPC has for an HTTP call, for people.

    Raises
    ------
    LookupError
        If it has nothing.
    """
    if call == PUBLIC:
        return OTHERS[way]
    if way in INFERENCE:
        return f"`GRPCInferenceService.{INFERENCE[way]}`"
    name = SAME.get(call, call)
    paths = [path for path, of in METHODS.items() if of == name]
    if not paths:
        raise LookupError(
            f"{way} has no method in proto/pba.proto. Add one, and list it in METHODS."
        )
    (service, method) = paths[0].rpartition("/")[0].rpartition(".")[2], paths[0].rpartition("/")[2]
    if method not in pba_pb2.DESCRIPTOR.services_by_name[service].methods_by_name:
        raise LookupError(f"{paths[0]} is not in proto/pba.proto. Add it.")
    return f"`{service}.{method}`"


def table() -> str:
    """Return the table, a row for each HTTP call."""
    rows = [
        (f"`{way}`", counterpart(way, operation["x-pba-call"]), operation["description"])
        for way, operation in operations()
    ]
    rows.append((PAGES[0], REFLECTION, PAGES[1]))
    rows.append(("–", *STREAM))
    lines = [f"| {way} | {method} | {what.split(chr(10))[0]} |" for way, method, what in rows]
    return "\n".join(["| HTTP | gRPC | |", "| --- | --- | --- |", *lines])
