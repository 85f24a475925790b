"""Every port on which a running service listens: who needs it, and what closes it to others.

`docs/ports.md` is written from this list, and a test holds it against the sockets of a service.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import psutil

from deployments.local_profile import PORT_BLOCKS
from tests.support.processes import listening
from tests.support.service import RunningService

__all__ = ["DOORS", "Door", "OpenPort", "open_ports", "table"]

_PUBLIC = frozenset(
    {
        *("GET /", "GET /livez", "GET /readyz", "GET /docs", "GET /openapi.json"),
        *("GET /-/healthz", "GET /-/routes"),
    }
)


@dataclass(frozen=True)
class Door:
    """A kind of port.

    ``answers`` are the calls that everybody who reaches it may make; ``metrics`` is any call that
    is answered with figures for Prometheus.
    """

    name: str
    process: str
    local: str
    cluster: str
    needed_by: str
    closed_by: str
    policy: str
    protocol: Literal["http", "grpc"] = "grpc"
    answers: frozenset[str] = frozenset()


_TOKEN, _PODS, _SCRAPER, _KEY = "Ray's token", "the pods of PBA", "the scraper", "a key"
DOORS = (
    Door(
        *("HTTP", "haproxy", "`http_options.port`", "8000"),
        *("callers", _KEY, "everybody", "http", _PUBLIC),
    ),
    Door(
        *("gRPC", "ray::ServeRepli", "`grpc_port`", "9000", "callers", _KEY, "everybody", "grpc"),
        frozenset({"health", "reflection"}),
    ),
    Door(
        *("HAProxy's metrics", "haproxy", "a free one", "9101", "Prometheus"),
        *("nothing: figures without names", _SCRAPER, "http", frozenset({"metrics"})),
    ),
    Door(
        *("a router's HTTP", "ray::ServeRepli", "20000–29997", "30000–31000", "HAProxy"),
        *(_KEY, _PODS, "http", _PUBLIC),
    ),
    Door(
        *("Serve's own proxy", "ray::ProxyActor", "20098–29998", "8500"),
        *("HAProxy, while no router answers", _KEY, _PODS, "http", _PUBLIC),
    ),
    Door("GCS", "gcs_server", "a free one", "6379", "Ray's processes", _TOKEN, _PODS),
    Door("raylet", "raylet", "two free ones", "two free ones", "Ray's processes", _TOKEN, _PODS),
    Door(
        *("worker, replica, driver", "ray:: and python", "free ones", "10002–19999, free ones"),
        *("Ray's processes, and replicas each other", _TOKEN, _PODS),
    ),
    Door(
        *("agent, gRPC", "ray::DashboardA", "a free one", "a free one", "Ray's processes"),
        *(_TOKEN, _PODS),
    ),
    Door(
        *("agent, HTTP", "ray::DashboardA", "52365 or a free one", "52365"),
        *("jobs, KubeRay's probes", _TOKEN, _PODS, "http"),
        frozenset({"GET /api/local_raylet_healthz"}),
    ),
    Door(
        *("agent, metrics", "ray::DashboardA", "`metrics_port`", "8080", "Prometheus"),
        *("nothing: figures without names", _SCRAPER, "http", frozenset({"metrics"})),
    ),
    Door(
        *("head, metrics", "python", "44217 and 44227, if free", "44217 and 44227", "Prometheus"),
        *("nothing: figures without names", _SCRAPER, "http", frozenset({"metrics"})),
    ),
    Door(
        *("runtime environments", "ray::RuntimeEnv", "a free one", "a free one", "the raylet"),
        *(_TOKEN, _PODS, "http"),
    ),
    Door(
        *("dashboard", "the head", "none", "8265", "the operator, `ray job`, `serve`"),
        *(_TOKEN, "the operator and the job that submits", "http"),
    ),
)
_BY_NAME = {door.name: door for door in DOORS}
_FILES = {
    "gcs_server_port": "GCS",
    "dashboard_agent_listen_port": "agent, HTTP",
    "metrics_export_port": "agent, metrics",
    "metrics_agent_port": "agent, gRPC",
    "runtime_env_agent_port": "runtime environments",
}
_HEAD_METRICS = (44217, 44227)  # of Ray's autoscaler and of its dashboard's process
_BY_PROCESS = {"raylet": "raylet", "python": "worker, replica, driver"}


@dataclass(frozen=True)
class OpenPort:
    """A listening socket; ``door`` is None where the list has none for it."""

    door: Door | None
    process: str
    address: str
    port: int


def open_ports(service: RunningService) -> list[OpenPort]:
    """Return every listening socket of the service's processes."""
    names = _names_by_port(service)
    return [
        OpenPort(_BY_NAME.get(_name(process, port, names)), process, address, port)
        for process, address, port in sorted(listening(service))
    ]


def _names_by_port(service: RunningService) -> dict[int, str]:
    """Return the doors whose ports are known: by settings, and by the files that Ray writes."""
    session = service.folder / "ray" / "session_latest"
    names = {
        int(path.read_text()): name
        for start, name in _FILES.items()
        for path in session.glob(f"{start}_*")
    }
    metrics = int(_rays_variables(service)["RAY_SERVE_HAPROXY_METRICS_PORT"])
    return names | {
        metrics: "HAProxy's metrics",
        service.config["http_options"]["port"]: "HTTP",
        int(service.grpc_address.rpartition(":")[2]): "gRPC",
    }


def _rays_variables(service: RunningService) -> Mapping[str, str]:
    """Return the environment that the command gives to Ray's processes."""
    children = psutil.Process(service.process.pid).children()
    gcs = next(child for child in children if child.name() == "gcs_server")
    variables: Mapping[str, str] = gcs.environ()
    return variables


def _name(process: str, port: int, names: Mapping[int, str]) -> str:
    if port in names:
        return names[port]
    if process == "python" and port in _HEAD_METRICS:
        return "head, metrics"
    if port in range(PORT_BLOCKS.start, PORT_BLOCKS.stop):
        return "Serve's own proxy" if process == "ray::ProxyActor" else "a router's HTTP"
    if process.startswith("ray::") and process not in ("ray::DashboardA", "ray::RuntimeEnv"):
        return "worker, replica, driver"
    return _BY_PROCESS.get(process, "unknown")


def table() -> str:
    """Return the list in Markdown."""
    lines = [
        "| port | process | `make serve`, on loopback | cluster | who needs it | closed by "
        "| open to (NetworkPolicy) | answers everybody |",
        "| --- " * 8 + "|",
    ]
    for door in DOORS:
        answers = ", ".join(f"`{call}`" for call in sorted(door.answers)) or "nothing"
        cells = (door.name, f"`{door.process}`", door.local, door.cluster, door.needed_by)
        lines.append(f"| {' | '.join((*cells, door.closed_by, door.policy, answers))} |")
    return "\n".join(lines)
