"""Calls that somebody without a key and without Ray's token tries on a port."""

import base64
import json
import ssl
from pathlib import Path

import grpc
import httpx

__all__ = ["grpc_codes", "http_answers"]

_FORGED = f"pba_0123456789abcdef_{43 * 'x'}"
_IDENTITIES = (
    {},
    {"Authorization": f"Bearer {_FORGED}", "X-Ray-Authorization": f"Bearer {_FORGED}"},
    {
        "X-PBA-Client-Certificate": f"{64 * '0'}:{base64.b64encode(b'anna').decode()}",
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-User": "admin",
        "X-Remote-User": "admin",
    },
)
_SAMPLES = {"samples": [{"link_id": "x", "timestamp": 1.7e9, "bandwidth_mbps": 9}]}
_READS = (
    *("/", "/livez", "/readyz", "/docs", "/openapi.json", "/-/healthz", "/-/routes", "/metrics"),
    *("/stats", "/v1/flags", "/v1/links", "/v1/metrics", "/v1/models", "/v1/whoami"),
    *("/api/local_raylet_healthz", "/api/version", "/api/jobs/", "/api/job_agent/jobs/"),
    *("/api/serve/applications/", "/nodes?view=summary", "/api/v0/actors", "/logs", "/api/v0/logs"),
)
_METHODS = (
    "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo",
    "/ray.rpc.InternalKVGcsService/InternalKVKeys",
    "/ray.rpc.JobInfoGcsService/GetAllJobInfo",
    "/ray.rpc.NodeManagerService/GetSystemConfig",
    "/ray.rpc.NodeManagerService/RequestWorkerLease",
    "/ray.rpc.ObjectManagerService/Pull",
    "/ray.rpc.CoreWorkerService/GetCoreWorkerStats",
    "/ray.rpc.CoreWorkerService/PushTask",
    "/ray.rpc.ReporterService/GetTraceback",
    "/ray.rpc.LogService/ListLogs",
    "/ray.rpc.events.EventAggregatorService/AddEvents",
    "/ray.serve.ASGIService/HandleRequest",
    "/pba.v1.Predictor/Forecast",
    "/pba.v1.Operations/ListLinks",
    "/pba.v1.Operations/SetFlags",
)
_WAIT_S = 5.0
_PROMETHEUS = "text/plain; version="


def http_answers(
    port: int, proof: Path, verify: ssl.SSLContext | bool = True, scheme: str = "http"
) -> set[str]:
    """Return the calls, as ``GET /``, that are answered with success, or ``metrics`` for figures.

    ``proof`` is a file that a job would create, if one were run.
    """
    job = {"entrypoint": f"touch {proof}"}
    writes = (
        *(("POST", path, job) for path in ("/api/jobs/", "/api/job_agent/jobs/")),
        ("PUT", "/api/serve/applications/", {"applications": []}),
        ("POST", "/get_or_create_runtime_env", {}),
        ("POST", "/v1/samples", _SAMPLES),
        ("PUT", "/v1/flags", {"version": 0, "who": "x", "flags": {"shadow": True}}),
        ("DELETE", "/v1/links/x", {}),
    )
    calls = [*(("GET", path, None) for path in _READS), *writes]
    url = f"{scheme}://127.0.0.1:{port}"
    answered = set()
    with httpx.Client(base_url=url, verify=verify, timeout=_WAIT_S, trust_env=False) as client:
        for method, path, body in calls:
            for identity in _IDENTITIES:
                content = None if body is None else json.dumps(body)
                headers = {"Content-Type": "application/json"} | identity
                response = client.request(method, path, content=content, headers=headers)
                if response.status_code < 400:
                    figures = response.headers.get("content-type", "").startswith(_PROMETHEUS)
                    answered.add("metrics" if figures else f"{method} {path}")
                    break  # whoever it was
    return answered


def grpc_codes(
    port: int, credentials: grpc.ChannelCredentials | None = None, token: str = ""
) -> dict[str, str]:
    """Return what each method is answered with, sent an empty message."""
    address = f"127.0.0.1:{port}"
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = (
        grpc.secure_channel(address, credentials, options)
        if credentials
        else grpc.insecure_channel(address, options)
    )
    metadata = [("authorization", f"Bearer {token}")] if token else []
    with channel:
        return {method: _code(channel, method, metadata) for method in _METHODS}


def _code(channel: grpc.Channel, method: str, metadata: list[tuple[str, str]]) -> str:
    try:
        channel.unary_unary(method)(b"", timeout=_WAIT_S, metadata=metadata)
    except grpc.RpcError as error:
        return str(error.code().name)  # type: ignore[attr-defined]
    return "OK"
