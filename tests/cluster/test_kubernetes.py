"""What kubectl renders of `cluster/kubernetes`: valid, and with room for the service."""

import copy
import json
import os
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from deployments.settings import Settings
from tests.support.manifests import (
    JOBS,
    KUBERNETES,
    Object,
    Objects,
    all_objects,
    containers_of,
    job,
    pod_specs,
    ray_cluster,
    ray_pods,
    values,
)

PROJECT = KUBERNETES.parents[1]
VERSION = "1.33"  # of Kubernetes, for its own kinds


def check_own_kinds(one: Object) -> None:
    kubernetes_validate.validate(one, VERSION, strict=True)


def check_custom_kinds(one: Object) -> None:
    path = Path(os.environ["PBA_CRDS"]) / f"{one['kind']}.v1.json"
    schema = json.loads(path.read_text())  # not checked itself: it has regular expressions of Go
    jsonschema.Draft7Validator(schema).validate(one)


def is_custom(one: Object) -> bool:
    return one["apiVersion"].startswith(("ray.io/", "monitoring.coreos.com/"))


def test_kubernetes_accepts_its_own_kinds():
    own = [one for one in all_objects() if not is_custom(one)]
    assert {one["kind"] for one in own} == {
        *("ConfigMap", "CronJob", "NetworkPolicy", "PersistentVolumeClaim"),
        *("PodDisruptionBudget", "Service"),
    }
    for one in own:
        check_own_kinds(one)
    with pytest.raises(kubernetes_validate.ValidationError):
        check_own_kinds(own[0] | {"unknown": 1})


def test_kuberay_and_the_prometheus_operator_accept_theirs():
    if "PBA_CRDS" not in os.environ:
        pytest.skip("PBA_CRDS does not name a folder of schemas of custom resources")
    custom = [one for one in all_objects() if is_custom(one)]
    assert {one["kind"] for one in custom} == {
        *("RayService", "RayJob", "RayCronJob", "PodMonitor", "PrometheusRule"),
    }
    for one in custom:
        check_custom_kinds(one)
        broken = copy.deepcopy(one)
        broken["spec"]["unknown"] = 1
        with pytest.raises(jsonschema.ValidationError):
            check_custom_kinds(broken)


def test_old_kubectl_finds_only_keys_that_it_knows():
    """Of those that 1.20 knows, these are enough: `resources` there takes files alone."""
    for path in KUBERNETES.glob("**/kustomization.yaml"):
        content = yaml.safe_load(path.read_text())
        assert content.keys() <= {
            *("apiVersion", "kind", "bases", "resources", "patchesStrategicMerge"),
        }
        for name in content.get("resources", ()):
            assert (path.parent / name).is_file()


def test_every_file_is_rendered_or_of_a_training():
    named = {
        path.parent / name
        for path in KUBERNETES.glob("**/kustomization.yaml")
        for names in yaml.safe_load(path.read_text()).values()
        if isinstance(names, list)
        for name in names
    }
    files = {path for path in KUBERNETES.glob("**/*.yaml") if path.name != "kustomization.yaml"}
    assert files - named == {KUBERNETES / "training" / f"{name}.yaml" for name in JOBS}


def test_the_embedded_config_is_that_of_clusters(production: Objects):
    embedded = yaml.safe_load(production["RayService"]["spec"]["serveConfigV2"])
    assert embedded == yaml.safe_load((PROJECT / "cluster/serve_config.yaml").read_text())


def test_a_single_node_has_serve_config_but_for_the_address(single_node: Objects):
    embedded = yaml.safe_load(single_node["RayService"]["spec"]["serveConfigV2"])
    assert embedded["http_options"].pop("host") == "0.0.0.0"
    served = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
    assert served["http_options"].pop("host") == "127.0.0.1"
    assert embedded == served


def test_the_rules_are_the_alerts(production: Objects):
    alerts = yaml.safe_load((PROJECT / "cluster/alerts.yml").read_text())
    assert production["PrometheusRule"]["spec"] == alerts


def test_ray_is_the_version_of_the_lock_everywhere():
    locked = re.search(r"^ray==(\S+)", (PROJECT / "requirements/serve.txt").read_text(), re.M)
    assert locked
    clusters = [ray_cluster(one) for one in all_objects() if one["kind"].startswith("Ray")]
    assert [cluster["rayVersion"] for cluster in clusters] == [locked[1]] * 4


def test_every_serving_pod_has_the_settings_and_a_store(overlay: Objects):
    settings = overlay["ConfigMap"]["data"]
    for pod in ray_pods(overlay["RayService"]):
        (container,) = pod["spec"]["containers"]
        name = overlay["ConfigMap"]["metadata"]["name"]
        assert container["envFrom"] == [{"configMapRef": {"name": name}}]
        assert "PBA_STORE_URL" in values(container), "each with its own database would know little"
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert any(settings["PBA_REGISTRY"].startswith(f"{mount}/") for mount in mounts)
    lines = (PROJECT / "cluster/node.env").read_text().splitlines()
    on_machines = dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    assert on_machines.items() <= settings.items()
    assert settings["HOME"] == "/tmp", "the root file system is read-only"
    beside_code = [
        name for name, field in Settings.model_fields.items() if "data/" in str(field.default)
    ]
    assert {"store_url", "registry", "keys_snapshot"} <= set(beside_code)
    for name in beside_code:
        variable = f"PBA_{name.upper()}"
        assert name == "store_url" or settings[variable].startswith(("/tmp/", "/shared/"))


def test_grpc_listens_where_its_service_points(overlay: Objects):
    assert overlay["ConfigMap"]["data"]["PBA_GRPC_HOST"] == "0.0.0.0"
    (port,) = overlay["Service"]["spec"]["ports"]
    head, *workers = ray_pods(overlay["RayService"])
    for pod in workers or [head]:
        (container,) = pod["spec"]["containers"]
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        assert (ports["grpc"], ports["serve"]) == (port["targetPort"], 8000)
    selector = overlay["Service"]["spec"]["selector"].items()
    assert selector - head["metadata"]["labels"].items() == {("ray.io/serve", "true")}


def test_the_pod_monitor_names_ports_that_pods_have(production: Objects):
    scraped = {one["port"] for one in production["PodMonitor"]["spec"]["podMetricsEndpoints"]}
    for pod in ray_pods(production["RayService"]):
        assert scraped <= {one["name"] for one in pod["spec"]["containers"][0]["ports"]}


def test_a_lost_worker_leaves_one_and_a_drain_waits_for_it(production: Objects):
    cluster = ray_cluster(production["RayService"])
    assert "redisAddress" in cluster["gcsFaultToleranceOptions"]
    head, worker = (pod["metadata"]["labels"] for pod in ray_pods(production["RayService"]))
    (group,) = cluster["workerGroupSpecs"]
    budget = production["PodDisruptionBudget"]["spec"]
    assert budget["minAvailable"] == group["minReplicas"] - 1 >= 1
    assert "maxUnavailable" not in budget, "a RayCluster has no scale subresource"
    selected = budget["selector"]["matchLabels"].items()
    by_kuberay = {("ray.io/node-type", "worker")}
    assert selected <= worker.items() | by_kuberay
    assert not selected <= head.items() | {("ray.io/node-type", "head")}
    for name in JOBS:
        for pod in ray_pods(job(name)):
            assert not selected <= pod["metadata"]["labels"].items() | by_kuberay
    spread = group["template"]["spec"]["topologySpreadConstraints"]
    assert [one["topologyKey"] for one in spread] == [
        *("kubernetes.io/hostname", "topology.kubernetes.io/zone"),
    ]
    assert all(one["labelSelector"]["matchLabels"].items() == selected for one in spread)


def cpus_of(served: Object, replicas: str) -> float:
    """Return the CPUs of all deployments at their ``min_replicas`` or ``max_replicas``."""
    return sum(
        deployment.get("num_replicas", deployment.get("autoscaling_config", {}).get(replicas))
        * deployment["ray_actor_options"]["num_cpus"]
        for deployment in served["applications"][0]["deployments"]
    )


def test_the_workers_have_room_for_every_deployment_at_its_most(production: Objects):
    cluster = ray_cluster(production["RayService"])
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    served = yaml.safe_load(production["RayService"]["spec"]["serveConfigV2"])
    (group,) = cluster["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    cpus = float(container["resources"]["requests"]["cpu"])
    assert cpus_of(served, "min_replicas") <= (group["minReplicas"] - 1) * cpus
    assert cpus_of(served, "max_replicas") <= group["maxReplicas"] * cpus


def test_a_single_node_has_one_pod_with_a_database_of_its_own(single_node: Objects):
    cluster = ray_cluster(single_node["RayService"])
    (pod,) = ray_pods(single_node["RayService"])
    (container,) = pod["spec"]["containers"]
    served = yaml.safe_load(single_node["RayService"]["spec"]["serveConfigV2"])
    cpus = float(cluster["headGroupSpec"]["rayStartParams"]["num-cpus"])
    assert cpus_of(served, "min_replicas") <= cpus == float(container["resources"]["limits"]["cpu"])
    assert values(container)["PBA_STORE_URL"].startswith("sqlite:////shared/")
    assert single_node["RayService"]["spec"]["excludeHeadPodFromServeSvc"] is False
    assert single_node["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert not single_node.keys() & {"PodDisruptionBudget", "PrometheusRule", "CronJob"}


def test_images_are_those_that_the_dockerfile_builds():
    built = set(re.findall(r"-t (\S+)", (PROJECT / "cluster/Dockerfile").read_text()))
    used = {
        container["image"]
        for one in all_objects()
        for pod in pod_specs(one)
        for container in containers_of(pod)
    }
    assert used - {"pba-train-gpu:3.0.0"} == built  # the operator's own
