"""Three nodes that serve PBA: the head, two workers, and beside them the store and Redis."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.bed import network
from tests.cluster.bed.isolation import shared_folder
from tests.cluster.bed.machine import PROJECT, Machine
from tests.cluster.bed.ray_nodes import RayNodes
from tests.cluster.bed.services import Services
from tests.support.waiting import wait_until

__all__ = ["PROFILE", "Cluster", "cluster"]

PROFILE = PROJECT / "cluster/serve_config.yaml"
_START_S = 240.0
_SERVICES = 250


@dataclass(frozen=True)
class Cluster:
    """A running cluster; the first of `nodes` is the head, and `logs` is a folder of text files."""

    nodes: list[Machine]
    services: Services
    ray: RayNodes
    shared: Path
    logs: Path

    @property
    def urls(self) -> list[str]:
        """Where each node answers HTTP."""
        return [f"http://{node.address}:8000" for node in self.nodes]

    @property
    def grpc_addresses(self) -> list[str]:
        """Where each node would answer gRPC, if it has a router."""
        return [f"{node.address}:9000" for node in self.nodes]

    def boot(self, node: Machine) -> None:
        """Start a machine and Ray on it."""
        node.boot()
        self.ray.start(node, self.logs / f"node{node.number}.log")

    def deploy(self, config: Path = PROFILE) -> None:
        """Have the cluster serve ``config``, as an operator does."""
        command = ["serve", "deploy", "--address", self.ray.dashboard, str(config)]
        self.nodes[0].run(command, self.ray.environment(), 120)

    def applications(self) -> dict[str, Any]:
        """Return what Serve says of the application, its deployments and their replicas."""
        return self._dashboard("/api/serve/applications/")["applications"].get("pba", {})

    def is_whole(self) -> bool:
        """Whether every deployment has the replicas that it should have.

        Serve alone does not know: a replica on a lost node counts as running for half a minute.
        """
        with contextlib.suppress(httpx.HTTPError):
            deployments = self.applications().get("deployments", {})
            return len(deployments) > 0 and all(
                deployment["status"] == "HEALTHY" and len(self.replicas(name)) >= _least(deployment)
                for name, deployment in deployments.items()
            )
        return False

    def replicas(self, deployment: str) -> list[int]:
        """Return the processes of a deployment's replicas, those that start too."""
        title = f"ray::ServeReplica:pba:{deployment}"
        machines = [node for node in self.nodes if node.is_on]
        lines = [item for machine in machines for item in machine.processes().items()]
        return [pid for pid, line in lines if line.startswith(title)]

    def alive_nodes(self) -> set[str]:
        """Return the addresses of the nodes that Ray's head takes for alive."""
        nodes = self._dashboard("/nodes?view=summary")["data"]["summary"]
        states = [node["raylet"] for node in nodes]
        return {state["nodeManagerAddress"] for state in states if state["state"] == "ALIVE"}

    def _dashboard(self, path: str) -> Any:
        url = f"{self.ray.dashboard}{path}"
        return httpx.get(url, headers=self.ray.headers, timeout=10).raise_for_status().json()

    def is_ready(self, node: Machine) -> bool:
        """Whether the service is ready, called at ``node``."""
        with contextlib.suppress(httpx.HTTPError):
            url = f"http://{node.address}:8000/readyz"
            return httpx.get(url, timeout=2).status_code == 200
        return False

    def _has_nodes(self, count: int) -> bool:
        with contextlib.suppress(httpx.HTTPError):  # the head is not there yet
            return len(self.alive_nodes()) >= count
        return False

    def start(self, config: Path = PROFILE) -> None:
        """Boot all machines and deploy ``config``; every node answers when this returns."""
        self.services.start()
        for count, node in enumerate(self.nodes, 1):  # all at once would time each other out
            self.boot(node)
            wait_until(
                partial(self._has_nodes, count), f"the start of node {count}", limit_s=_START_S
            )
        self.deploy(config)
        for node in self.nodes:
            ready = partial(self.is_ready, node)
            wait_until(ready, f"an answer of node {node.number}", limit_s=_START_S)


def _least(deployment: dict[str, Any]) -> int:
    least: int = deployment["deployment_config"]["autoscaling_config"]["min_replicas"]
    return least


@contextlib.contextmanager
def cluster(logs: Path, workers: int = 2, config: Path = PROFILE) -> Iterator[Cluster]:
    """Yield a cluster that serves ``config``; call it in a process of `isolation`."""
    network.bridge()
    logs.mkdir(parents=True, exist_ok=True)
    shared = shared_folder()
    storage = Machine(_SERVICES)
    nodes = [Machine(number) for number in range(1, workers + 2)]
    services = Services(storage, logs)
    running = Cluster(nodes, services, RayNodes(nodes[0], services, shared), shared, logs)
    storage.boot()
    try:
        running.start(config)
        yield running
    finally:
        for node in nodes:
            if node.is_on:
                running.ray.keep_logs(node, logs / f"node{node.number}")
        for machine in (*nodes, storage):
            machine.end()
