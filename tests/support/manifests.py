"""Manifests of `cluster/kubernetes`, as kubectl renders them."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

__all__ = [
    "JOBS",
    "KUBERNETES",
    "OVERLAYS",
    "Object",
    "Objects",
    "all_objects",
    "by_kind",
    "containers_of",
    "job",
    "pod_specs",
    "ray_cluster",
    "ray_objects",
    "ray_pods",
    "rendered",
    "values",
]

KUBERNETES = Path(__file__).parents[2] / "cluster/kubernetes"
OVERLAYS = ("single-node", "production")
JOBS = ("rayjob", "raycronjob")

Object = dict[str, Any]
Objects = dict[str, Object]


@cache
def rendered(overlay: str) -> str:
    """Return what kubectl renders of an overlay."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl, which renders the manifests, is not installed")
    command = [kubectl, "kustomize", str(KUBERNETES / "overlays" / overlay)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def by_kind(text: str) -> Objects:
    """Return the objects of a rendering; each kind is there once."""
    documents = list(yaml.safe_load_all(text))
    kinds = {document["kind"]: document for document in documents}
    assert len(kinds) == len(documents)
    return kinds


def job(name: str) -> Object:
    """Return an object of `training/`."""
    content: Object = yaml.safe_load((KUBERNETES / "training" / f"{name}.yaml").read_text())
    return content


def all_objects() -> list[Object]:
    """Return the objects of each overlay and of trainings."""
    objects = [one for name in OVERLAYS for one in by_kind(rendered(name)).values()]
    return objects + [job(name) for name in JOBS]


def ray_cluster(manifest: Object) -> Object:
    """Return the spec of the Ray cluster in a RayService, a RayJob or a RayCronJob."""
    spec = manifest["spec"]
    spec = spec.get("jobTemplate", spec)
    cluster: Object = spec.get("rayClusterConfig") or spec["rayClusterSpec"]
    return cluster


def ray_pods(manifest: Object) -> list[Object]:
    """Return the pod templates of a Ray cluster, the head's first."""
    cluster = ray_cluster(manifest)
    return [group["template"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def containers_of(pod: Object) -> list[Object]:
    """Return the containers of a pod's spec, those that initialize it too."""
    return [*pod["containers"], *pod.get("initContainers", ())]


def ray_objects() -> list[Object]:
    """Return every object with a Ray cluster, from each overlay and of trainings."""
    return [one for one in all_objects() if one["kind"].startswith("Ray")]


def pod_specs(one: Object) -> list[Object]:
    """Return the specs of all pods of an object."""
    return [value for value in walk(one) if isinstance(value.get("containers"), list)]


def values(container: Object) -> dict[str, Any]:
    """Return the variables of a container; None for those from elsewhere."""
    return {entry["name"]: entry.get("value") for entry in container.get("env", ())}


def walk(value: Any) -> Iterator[Object]:
    """Yield every object inside ``value``."""
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for child in children:
            yield from walk(child)
