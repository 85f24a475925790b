"""What kubectl renders of cluster/kubernetes: valid, restricted, and able to run the service."""

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from typer.main import get_command

from train.__main__ import app

PROJECT = Path(__file__).parents[2]
KUBERNETES = PROJECT / "cluster/kubernetes"
OVERLAYS = ("single-node", "production")
JOBS = ("rayjob", "raycronjob")
VERSION = "1.33"  # of Kubernetes, for its own kinds

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
    documents = list(yaml.safe_load_all(text))
    kinds = {document["kind"]: document for document in documents}
    assert len(kinds) == len(documents)
    return kinds


@pytest.fixture
def production() -> Objects:
    return by_kind(rendered("production"))


@pytest.fixture
def single_node() -> Objects:
    return by_kind(rendered("single-node"))


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> Objects:
    return by_kind(rendered(request.param))


def job(name: str) -> Object:
    content: Object = yaml.safe_load((KUBERNETES / "training" / f"{name}.yaml").read_text())
    return content


def all_objects() -> list[Object]:
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


def values(container: Object) -> dict[str, Any]:
    return {entry["name"]: entry.get("value") for entry in container.get("env", ())}


def walk(value: Any) -> Iterator[Object]:
    """Yield every object inside ``value``."""
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for child in children:
            yield from walk(child)


def is_pod_spec(value: Object) -> bool:
    return isinstance(value.get("containers"), list)


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


def restriction_problems(pod: Object, owner: Object) -> list[str]:
    """Return what of a pod breaks the restricted profile of the Pod Security Standards.

    And what is beyond it here: the root file system is read-only.
    """
    context = pod.get("securityContext", {})
    kinds = {key for volume in pod.get("volumes", ()) for key in volume} - {"name"}
    containers = [*pod["containers"], *pod.get("initContainers", ())]
    containers += [owner["autoscalerOptions"]] if owner.get("enableInTreeAutoscaling") else []
    problems = {
        "root": context.get("runAsNonRoot") is not True or context.get("runAsUser", 1) == 0,
        "seccomp": context.get("seccompProfile") != {"type": "RuntimeDefault"},
        "host": any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
        "volumes": not kinds <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"},
        "containers": any(
            container.get("securityContext")
            != {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            or any("hostPort" in port for port in container.get("ports", ()))
            for container in containers
        ),
        "no /tmp": any(
            "/tmp" not in {mount["mountPath"] for mount in container["volumeMounts"]}
            for container in containers
        ),
        "no request": any("requests" not in container["resources"] for container in containers),
    }
    return [name for name, broken in problems.items() if broken]


def test_every_pod_is_restricted_and_writes_to_volumes_alone():
    count = 0
    for one in all_objects():
        cluster = ray_cluster(one) if one["kind"].startswith("Ray") else {}
        for pod in filter(is_pod_spec, walk(one)):
            assert restriction_problems(pod, cluster) == [], one["kind"]
            count += 1
    assert count == 1 + 2 + 1 + 4 + 3
    for change in _LOOSER:
        pod = copy.deepcopy(ray_pods(job("rayjob"))[0]["spec"])
        change(pod)
        assert len(restriction_problems(pod, {})) == 1


_LOOSER: tuple[Callable[[Object], Any], ...] = (
    lambda pod: pod["securityContext"].update(runAsUser=0),
    lambda pod: pod["securityContext"].pop("seccompProfile"),
    lambda pod: pod.update(hostNetwork=True),
    lambda pod: pod["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
    lambda pod: pod["containers"][0]["securityContext"].update(readOnlyRootFilesystem=False),
    lambda pod: pod["initContainers"][0]["volumeMounts"].pop(),
    lambda pod: pod["initContainers"][0]["resources"].pop("requests"),
)


def test_every_mount_has_its_volume_and_services_set_no_variables():
    for one in all_objects():
        for pod in filter(is_pod_spec, walk(one)):
            volumes = {volume["name"] for volume in pod["volumes"]}
            for container in (*pod["containers"], *pod.get("initContainers", ())):
                assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
            assert pod["enableServiceLinks"] is False, "a Service pba-grpc sets PBA_GRPC_PORT"


def test_the_embedded_config_is_serve_config_but_for_the_address(overlay: Objects):
    embedded = yaml.safe_load(overlay["RayService"]["spec"]["serveConfigV2"])
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
    assert settings["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
    assert settings["RAY_SERVE_THROUGHPUT_OPTIMIZED"] == "1"
    assert settings["RAY_worker_niceness"] == "0"
    assert settings["RAY_SERVE_CONTROL_LOOP_INTERVAL_S"] == "0.5"
    assert settings["HOME"] == "/tmp", "the root file system is read-only"


def test_ray_takes_a_token_and_encrypts_on_every_pod():
    for one in (one for one in all_objects() if one["kind"].startswith("Ray")):
        cluster = ray_cluster(one)
        assert cluster["authOptions"] == {"mode": "token"}
        containers = [pod["spec"]["containers"][0] for pod in ray_pods(one)]
        if cluster.get("enableInTreeAutoscaling"):
            containers.append(cluster["autoscalerOptions"])
        for container in containers:
            variables = values(container)
            assert variables["RAY_USE_TLS"] == "1", "in env: KubeRay's init container copies it"
            names = ("SERVER_CERT", "SERVER_KEY", "CA_CERT")
            files = {variables[f"RAY_TLS_{name}"] for name in names}
            assert files == {f"/ray-tls/{name}" for name in ("node.pem", "node.key", "ca.pem")}
            mounts = {mount["name"] for mount in container["volumeMounts"]}
            assert "ray-tls" in mounts
            assert "ray-ca" not in mounts, "whoever has the authority's key passes for a node"
            assert "RAY_AUTH_MODE" not in variables, "the operator sets it, and the token beside it"


def test_each_pod_makes_its_certificate_by_the_module():
    for one in (one for one in all_objects() if one["kind"].startswith("Ray")):
        head, *workers = ray_pods(one)
        for pod in (head, *workers):
            (maker,) = pod["spec"]["initContainers"]
            assert maker["command"] == ["python", "-m", "deployments.node_certificate"]
            options = {word for word in maker["args"] if word.startswith("--")}
            named = {"--host"} if pod is head else set()  # workers find it by its Service
            assert options == {"--ca", "--to"} | named
            assert {"ray-ca", "ray-tls"} < {mount["name"] for mount in maker["volumeMounts"]}


def test_the_network_policy_covers_every_pod_and_opens_no_port_of_ray(overlay: Objects):
    policy = overlay["NetworkPolicy"]["spec"]
    selected = policy["podSelector"]["matchLabels"].items()
    for one in (overlay["RayService"], job("rayjob"), job("raycronjob")):
        for pod in ray_pods(one):
            assert selected <= pod["metadata"]["labels"].items()
    everybody = [rule for rule in policy["ingress"] if "from" not in rule]
    assert [[port["port"] for port in rule["ports"]] for rule in everybody] == [[8000, 9000]]
    inner = [rule for rule in policy["ingress"] if "ports" not in rule]
    assert [rule["from"] for rule in inner] == [[{"podSelector": policy["podSelector"]}]]
    named = {port["port"] for rule in policy["ingress"] for port in rule.get("ports", [])}
    assert named == {8000, 8080, 8265, 9000, 9101}
    operator = next(rule for rule in policy["ingress"] if rule.get("ports", [{}])[0] == _DASHBOARD)
    submitters = [peer["podSelector"] for peer in operator["from"] if "podSelector" in peer]
    for name in JOBS:
        spec = job(name)["spec"]
        template = spec.get("jobTemplate", spec)["submitterPodTemplate"]
        assert submitters == [{"matchLabels": template["metadata"]["labels"]}]


_DASHBOARD = {"port": 8265, "protocol": "TCP"}


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
    wanted = {one["port"] for one in production["PodMonitor"]["spec"]["podMetricsEndpoints"]}
    for pod in ray_pods(production["RayService"]):
        assert wanted <= {one["name"] for one in pod["spec"]["containers"][0]["ports"]}


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
        for pod in filter(is_pod_spec, walk(one))
        for container in (*pod["containers"], *pod.get("initContainers", ()))
    }
    assert used - {"pba-train-gpu:3.0.0"} == built  # the operator's own


def entrypoints(production: Objects) -> Iterator[list[str]]:
    for name in JOBS:
        spec = job(name)["spec"]
        yield spec.get("jobTemplate", spec)["entrypoint"].split()
    template = production["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    yield container["command"][2].partition("exec ")[2].replace('"', "").split()


def test_trainings_run_the_module_with_known_options(production: Objects):
    command = get_command(app)
    subcommand = command.commands["retrain"]  # type: ignore[attr-defined]
    for words in entrypoints(production):
        assert words[:3] == ["python", "-m", "train"]
        known = subcommand if words[3] == "retrain" else command
        options = {name for one in known.params for name in one.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_a_retraining_each_week_trains_both_modes_one_after_the_other(production: Objects):
    job = production["CronJob"]["spec"]["jobTemplate"]["spec"]
    (container,) = job["template"]["spec"]["containers"]
    assert (job["completions"], job["parallelism"]) == (2, 1)
    script = container["command"][2].replace("exec python", "echo")
    modes = []
    for index in range(job["completions"]):
        environment = {"JOB_COMPLETION_INDEX": str(index), "JOB": "week-7"}
        run = [*container["command"][:2], script]
        words = subprocess.run(run, env=environment, check=True, capture_output=True, text=True)
        modes.append(words.stdout.split()[words.stdout.split().index("--mode") + 1])
        assert "/shared/retraining/week-7" in words.stdout
    assert modes == ["internet", "datacenter"]


def test_gpu_workers_are_none_until_they_are_wanted():
    groups = {one["groupName"]: one for one in ray_cluster(job("rayjob"))["workerGroupSpecs"]}
    gpu = groups["gpu-workers"]
    assert (gpu["replicas"], gpu["minReplicas"]) == (0, 0)
    (container,) = gpu["template"]["spec"]["containers"]
    resources = container["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == 1
    assert gpu["template"]["spec"]["tolerations"][0]["key"] == "nvidia.com/gpu"
