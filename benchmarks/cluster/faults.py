"""What happens to a cluster: nodes and replicas that die, and networks that fail."""

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster.bed import network
from tests.cluster.bed.cluster import Cluster
from tests.cluster.bed.machine import Machine

__all__ = ["Fault", "faults", "kill_replica", "restarts"]

Change = Callable[[Cluster], None]

_FULL_S = 15.0
_FULL_HEAD_S = 40.0
_DOWN_S = 20.0
_RESTART_S = 10.0
_SLOW = (100, 50, 0.01)  # ms, ms, share


@dataclass(frozen=True)
class Fault:
    """Something that begins, lasts, and ends.

    Parameters
    ----------
    full_again_s
        Within how long after its begin all calls are to be answered as promptly as before.
    returns
        The number of the node that is back once it ends, None of none.
    """

    name: str
    begin: Change
    end: Change
    lasts_s: float
    full_again_s: float = _FULL_S
    returns: int | None = None


def faults(cluster: Cluster, short: bool) -> list[Fault]:
    """Return all faults in the order in which they happen; some if ``short``."""
    head, *workers = cluster.nodes
    kinds = ("Router", "Monitor", "DatacenterModel", "InternetModel")
    replicas = [_death_of_replica(kind) for kind in kinds]
    losses = [_loss_of_power(node, f"worker {node.number} loses its power") for node in workers]
    if short:
        return [losses[-1], replicas[0]]
    return [
        *losses,
        _loss_of_power(head, "the head loses its power", _FULL_HEAD_S),
        *replicas,
        _loss_of_network(workers[0]),
        _slow_network(cluster),
    ]


def restarts(cluster: Cluster) -> list[Fault]:
    """Return the restarts of what is not on the nodes: of the store, and of Redis."""
    services = cluster.services
    parts = {
        "PostgreSQL": (services.stop_postgres, services.start_postgres),
        "Redis": (services.stop_redis, services.start_redis),
    }
    return [
        Fault(
            f"{name} is away for {_RESTART_S:g} s",
            lambda _, stop=stop: stop(),
            lambda _, start=start: start(),
            _RESTART_S,
        )
        for name, (stop, start) in parts.items()
    ]


def kill_replica(cluster: Cluster, kind: str) -> None:
    """Kill one replica of a deployment, on whichever node it is."""
    os.kill(cluster.replicas(kind)[0], signal.SIGKILL)


def _loss_of_power(node: Machine, name: str, full_again_s: float = _FULL_S) -> Fault:
    return Fault(
        name,
        lambda _: node.cut_power(),
        lambda cluster: cluster.boot(node),
        _DOWN_S,
        full_again_s,
        node.number,
    )


def _loss_of_network(node: Machine) -> Fault:
    return Fault(
        f"worker {node.number} has no network for {_DOWN_S:g} s",
        lambda _: network.unplug(node.number),
        lambda _: network.plug(node.number),
        _DOWN_S,
        returns=node.number,
    )


def _death_of_replica(kind: str) -> Fault:
    return Fault(
        f"a replica of {kind} is killed", lambda each: kill_replica(each, kind), _nothing, 0.0
    )


def _slow_network(cluster: Cluster) -> Fault:
    cables = contextlib.ExitStack()

    def begin(_: Cluster) -> None:
        for node in cluster.nodes:
            cables.enter_context(network.slow(node.number, *_SLOW))

    delay_ms, jitter_ms, loss = _SLOW
    name = f"all nodes send {delay_ms} ms ± {jitter_ms} ms later, and lose {loss:.0%}"
    # While every message is late no call is prompt, so it counts from the end.
    return Fault(name, begin, lambda _: cables.close(), _DOWN_S, _DOWN_S + _FULL_S)


def _nothing(_: Cluster) -> None:
    """A replica that is killed is Serve's to replace."""
