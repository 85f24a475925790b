"""Ray's nodes on the machines of a test bed, started as docs/deployment.md says."""

import os
import secrets
import shutil
import sys
from pathlib import Path

from tests.cluster.bed.machine import PROJECT, Machine
from tests.cluster.bed.services import Services

__all__ = ["RayNodes", "node_variables"]

_GCS = 6379
_CPUS = 4
"""What a worker says that it has, whatever the machine below has."""
_OBJECTS_BYTES = 100_000_000
# With ports that Ray has to choose, a raylet gives up after 15 s if its agents are slow to start.
_PORTS = {
    "dashboard-agent-grpc-port": 52_364,
    "dashboard-agent-listen-port": 52_365,
    "runtime-env-agent-port": 52_366,
    "metrics-export-port": 8080,
}
# As a supervisor of services does: a node that was given up for lost ends, and joins anew.
_SUPERVISED = 'while :; do "$@"; sleep 1; done'


def node_variables() -> dict[str, str]:
    """Return the variables in cluster/node.env."""
    lines = (PROJECT / "cluster/node.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class RayNodes:
    """Starts Ray on machines: the first is the head, which runs no replica."""

    def __init__(self, head: Machine, services: Services, shared: Path) -> None:
        self._head, self._services, self._shared = head, services, shared
        self._token = secrets.token_hex(32)

    @property
    def dashboard(self) -> str:
        """Where the head takes deployments and jobs."""
        return f"http://{self._head.address}:8265"

    @property
    def headers(self) -> dict[str, str]:
        """What a call of the dashboard needs."""
        return {"Authorization": f"Bearer {self._token}"}

    def environment(self) -> dict[str, str]:
        """Return the variables of nodes, and of commands that call them."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        return (
            own
            | node_variables()
            | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(PROJECT),
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN": self._token,
                "RAY_SERVE_HAPROXY_BINARY_PATH": str(
                    PROJECT / "deployments/haproxy-with-parent.sh"
                ),
                "PBA_STORE_URL": self._services.store_url,
                "PBA_REGISTRY": str(self._shared / "registry"),
                "PBA_INSECURE": "true",  # the bed reaches nothing but itself
            }
        )

    def start(self, machine: Machine, log: Path) -> None:
        """Start Ray on a machine that has booted, and again whenever it ends."""
        command = ["ray", "start", "--block", f"--node-ip-address={machine.address}"]
        command += [f"--object-store-memory={_OBJECTS_BYTES}", "--disable-usage-stats"]
        command += [f"--{name}={port}" for name, port in _PORTS.items()]
        environment = self.environment()
        if machine is self._head:
            command += ["--head", f"--port={_GCS}", "--num-cpus=0", "--dashboard-host=0.0.0.0"]
            command += [f"--redis-password={self._services.redis_password}"]
            environment |= {
                "RAY_REDIS_ADDRESS": self._services.redis_address,
                "RAY_external_storage_namespace": "pba",
            }
        else:
            command += [f"--address={self._head.address}:{_GCS}", f"--num-cpus={_CPUS}"]
        machine.start(["sh", "-c", _SUPERVISED, "supervisor", *command], environment, log)

    def keep_logs(self, machine: Machine, folder: Path) -> None:
        """Copy what Ray has logged on a machine that is on, since it booted."""
        shutil.rmtree(folder, ignore_errors=True)
        for session in Path(f"/proc/{machine.init}/root/tmp/ray").glob("session_2*"):
            shutil.copytree(session / "logs", folder, dirs_exist_ok=True)
