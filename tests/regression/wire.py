"""Calls over HTTP and gRPC as JSON: what a fixture holds of a request, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import httpx
from google.protobuf.json_format import MessageToDict, ParseDict

from deployments.grpc import pba_pb2 as pb, pba_pb2_grpc
from pba.registry import Registry
from tests.regression.closeness import without_test
from tests.toy import toy_artifact

VARYING = "<varying>"
"""What stands in a fixture for a value that differs from run to run."""

METADATA = ("pba-error-code", "pba-error-field", "grpc-retry-pushback-ms", "x-request-id")
_METHODS = {
    "Forecast": pb.ForecastRequest,
    "ForecastBatch": pb.ForecastBatchRequest,
    "Observe": pb.ObserveRequest,
}


AUTHORS = ("who", "changed_by")
"""What 3.0 took from the caller, and is the name of the key since."""


def is_accepted_since(call: Mapping[str, Any]) -> bool:
    """Return whether version 3.0 refused a call for the lack of an author."""
    return "who is missing" in str(call["result"])


def http_request(request: Mapping[str, Any], histories: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `httpx.Client.request` for a request of a fixture."""
    content = request.get("text")
    if "body" in request:
        content = json.dumps(filled(request["body"], histories))
    headers = {} if content is None else {"Content-Type": "application/json"}
    arguments = {"method": request["method"], "url": request["path"], "content": content}
    return arguments | {"headers": headers}


def http_result(response: httpx.Response) -> dict[str, Any]:
    """Return status, content type, ``Retry-After`` and body of a response."""
    return {
        "status": int(response.status_code),
        "content_type": response.headers["content-type"],
        "retry_after": response.headers.get("retry-after"),
        "body": response.json(),
    }


def call_grpc(
    stub: pba_pb2_grpc.PredictorStub, request: Mapping[str, Any], histories: Mapping[str, Any]
) -> dict[str, Any]:
    """Send a request of a fixture; return the response, or code, details and metadata."""
    message = ParseDict(filled(request["body"], histories), _METHODS[request["method"]]())
    try:
        response = getattr(stub, request["method"])(
            message, timeout=20, metadata=(("x-request-id", "regression"),)
        )
    except grpc.RpcError as error:
        metadata = dict(error.trailing_metadata())
        return {
            "code": error.code().name,
            "details": error.details(),
            "metadata": {name: metadata[name] for name in METADATA if name in metadata},
        }
    return {"response": MessageToDict(response, preserving_proto_field_name=True)}


def filled(body: Any, histories: Mapping[str, Any]) -> Any:
    """Return ``body`` with a history for each ``{"$history": name}``, and repeats written out."""
    if isinstance(body, dict):
        if "$history" in body:
            samples = histories[body["$history"]]
            return samples[body.get("first", 0) : body.get("end")]
        if "$repeat" in body:
            return [body["$repeat"]] * body["count"]
        return {key: filled(value, histories) for key, value in body.items()}
    return [filled(item, histories) for item in body] if isinstance(body, list) else body


def masked(value: Any, varying: Sequence[str], folder: Path) -> Any:
    """Return JSON with `VARYING` for what differs from run to run: some keys, and the folder."""
    if isinstance(value, dict):
        return {
            key: VARYING if key in varying and item is not None else masked(item, varying, folder)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item, varying, folder) for item in value]
    return value.replace(str(folder), "<folder>") if isinstance(value, str) else value


def both_masked(call: Mapping[str, Any], result: Any, folder: Path) -> tuple[Any, Any]:
    """Return what version 3.0 answered, and what is answered now, without what may differ."""
    varying = [*call["varying"], *AUTHORS]
    both = masked(call["result"], AUTHORS, folder), masked(result, varying, folder)
    if not call["request"]["path"].startswith("/v1/rollout") or "overall" not in both[0]["body"]:
        return both
    recorded, now = ({**one, "body": without_test(one["body"])} for one in both)
    return recorded, now


def prepare(step: str, folder: Path) -> None:
    """Do to a service's folder what a fixture names: ``publish``, or move the registry away."""
    registry = folder / "registry"
    if step == "publish":
        model = toy_artifact(folder / "newer", "internet", "toy-2")
        Registry(str(registry), lambda: 1e9).publish(str(model), "anna")
    elif step == "registry_away":
        registry.rename(folder / "aside")
        registry.write_text("no folder")
    elif step == "registry_back":
        registry.unlink()
        (folder / "aside").rename(registry)
    else:
        raise ValueError(f"step is {step!r}; it is publish, registry_away or registry_back.")
