import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

PROJECT = Path(__file__).parents[2]
CLUSTER = PROJECT / "cluster"


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CLUSTER / name).read_text())
    return content


@pytest.mark.parametrize("path", sorted(CLUSTER.glob("*.y*ml")), ids=lambda path: path.name)
def test_every_file_parses(path: Path):
    assert yaml.safe_load(path.read_text())


def test_the_embedded_config_is_serve_config_but_for_the_address():
    embedded = yaml.safe_load(read("rayservice.yaml")["spec"]["serveConfigV2"])
    assert embedded["http_options"].pop("host") == "0.0.0.0"
    served = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
    assert served["http_options"].pop("host") == "127.0.0.1"
    assert embedded == served


def test_ray_is_the_version_of_the_lock_everywhere():
    locked = re.search(r"^ray==(\S+)", (PROJECT / "requirements/serve.txt").read_text(), re.M)
    assert locked
    assert read("rayservice.yaml")["spec"]["rayClusterConfig"]["rayVersion"] == locked[1]
    assert read("rayjob.yaml")["spec"]["rayClusterSpec"]["rayVersion"] == locked[1]


def test_every_serving_pod_has_both_switches_and_the_head_runs_no_replica():
    cluster = read("rayservice.yaml")["spec"]["rayClusterConfig"]
    head, *workers = cluster["headGroupSpec"], *cluster["workerGroupSpecs"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    for group in (head, *workers):
        (container,) = group["template"]["spec"]["containers"]
        switches = {entry["name"]: entry.get("value") for entry in container["env"]}
        assert "PBA_STORE_URL" in switches, "each pod with a database of its own would know little"
        assert "PBA_REGISTRY" in switches, "each pod with one of its own would see no champion"
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert any(switches["PBA_REGISTRY"].startswith(f"{mount}/") for mount in mounts)
        assert switches["RAY_SERVE_ENABLE_HA_PROXY"] == "1"
        assert switches["RAY_SERVE_THROUGHPUT_OPTIMIZED"] == "1"
        assert switches["RAY_worker_niceness"] == "0"
        assert switches["RAY_SERVE_CONTROL_LOOP_INTERVAL_S"] == "0.5"


def ray_pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name and the template of each pod of a Ray cluster."""
    for name, key in (("rayservice.yaml", "rayClusterConfig"), ("rayjob.yaml", "rayClusterSpec")):
        cluster = read(name)["spec"][key]
        for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
            yield name, group["template"]


def test_ray_takes_a_token_and_encrypts_on_every_pod():
    assert read("rayservice.yaml")["spec"]["rayClusterConfig"]["authOptions"]["mode"] == "token"
    assert read("rayjob.yaml")["spec"]["rayClusterSpec"]["authOptions"]["mode"] == "token"
    containers = [pod["spec"]["containers"][0] for _, pod in ray_pods()]
    containers.append(read("rayservice.yaml")["spec"]["rayClusterConfig"]["autoscalerOptions"])
    assert len(containers) == 5
    for container in containers:
        values = {entry["name"]: entry.get("value") for entry in container["env"]}
        assert values["RAY_USE_TLS"] == "1"
        files = {values[f"RAY_TLS_{name}"] for name in ("SERVER_CERT", "SERVER_KEY", "CA_CERT")}
        assert files == {f"/ray-tls/{name}" for name in ("node.pem", "node.key", "ca.pem")}
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert "ray-tls" in mounts
        assert "ray-ca" not in mounts, "whoever has the authority's key passes for a node"
        assert "RAY_AUTH_MODE" not in values, "the operator sets it, and the token beside it"


def test_each_pod_makes_its_certificate_by_the_module():
    for _, pod in ray_pods():
        (maker,) = pod["spec"]["initContainers"]
        assert maker["command"] == ["python", "-m", "deployments.node_certificate"]
        assert maker["image"] == pod["spec"]["containers"][0]["image"]
        options = {word for word in maker["args"] if word.startswith("--")}
        assert {"--ca", "--to"} <= options <= {"--ca", "--to", "--host"}
        assert {mount["name"] for mount in maker["volumeMounts"]} == {"ray-ca", "ray-tls"}
    heads = [pod for _, pod in ray_pods() if "--host" in str(pod)]
    assert len(heads) == 2, "workers find the head by the name of its Service"


def test_the_network_policy_covers_every_pod_and_opens_no_port_of_ray():
    policy = read("networkpolicy.yaml")["spec"]
    selected = policy["podSelector"]["matchLabels"]
    for _, pod in ray_pods():
        assert selected.items() <= pod["metadata"]["labels"].items()
    everybody = [rule for rule in policy["ingress"] if "from" not in rule]
    assert [[port["port"] for port in rule["ports"]] for rule in everybody] == [[8000, 9000]]
    inner = [rule for rule in policy["ingress"] if "ports" not in rule]
    assert [rule["from"] for rule in inner] == [[{"podSelector": policy["podSelector"]}]]
    named = {port["port"] for rule in policy["ingress"] for port in rule.get("ports", [])}
    assert named == {8000, 8080, 8265, 9000, 9101}


@pytest.mark.parametrize("kind", ["RayService", "RayJob"])
def test_manifests_have_only_fields_that_kuberay_knows(kind: str):
    folder = os.environ.get("PBA_CRDS")
    if not folder:
        pytest.skip("PBA_CRDS does not name a folder of schemas of custom resources")
    schema = json.loads((Path(folder) / f"{kind}.v1.json").read_text())
    jsonschema.validate(read(f"{kind.lower()}.yaml"), schema)


def test_on_machines_ray_takes_a_token_and_encrypts_too():
    text = (CLUSTER / "ray-up.yaml").read_text()
    for word in (
        "RAY_AUTH_MODE=token",
        "RAY_AUTH_TOKEN_PATH=$HOME/ray-token",
        "RAY_USE_TLS=1",
        "deployments.node_certificate --ca ~/ray-ca --to ~/ray-tls",
        "RAY_SERVE_HAPROXY_BINARY_PATH=$HOME/pba/deployments/haproxy-with-errors.sh",
    ):
        assert word in text
    assert "dashboard-host" not in text, "by default it is loopback"


def test_the_workers_have_room_for_one_replica_of_each_deployment():
    cluster = read("rayservice.yaml")["spec"]["rayClusterConfig"]
    (group,) = cluster["workerGroupSpecs"]
    (container,) = group["template"]["spec"]["containers"]
    has = group["minReplicas"] * float(container["resources"]["requests"]["cpu"])
    served = yaml.safe_load((PROJECT / "serve_config.yaml").read_text())
    needs = sum(
        deployment.get("num_replicas", deployment.get("autoscaling_config", {}).get("min_replicas"))
        * deployment["ray_actor_options"]["num_cpus"]
        for deployment in served["applications"][0]["deployments"]
    )
    assert needs <= has


def test_images_are_those_that_the_dockerfile_builds():
    docker = (CLUSTER / "Dockerfile").read_text()
    built = set(re.findall(r"-t (\S+)", docker))
    used = set(re.findall(r"image: (\S+)", (CLUSTER / "rayservice.yaml").read_text()))
    used |= set(re.findall(r"image: (\S+)", (CLUSTER / "rayjob.yaml").read_text()))
    assert used == built


def test_the_serving_image_comes_from_the_serving_lock_alone():
    serve, train = (CLUSTER / "Dockerfile").read_text().split("FROM serve AS train")
    assert "requirements/serve.txt" in serve
    assert "train.txt" not in serve
    assert "requirements/train.txt" in train


def test_what_the_dockerfile_copies_exists_and_is_not_ignored():
    docker = (CLUSTER / "Dockerfile").read_text()
    kept = {line[1:] for line in (PROJECT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = [
        name for line in re.findall(r"^COPY (.+) \S+$", docker, re.M) for name in line.split()
    ]
    for name in copied:
        assert (PROJECT / name).exists(), name
        assert name.split("/")[0] in kept, name


def test_the_training_job_runs_the_module_with_known_options():
    entry = read("rayjob.yaml")["spec"]["entrypoint"].split()
    assert entry[:3] == ["python", "-m", "train"]
    source = (PROJECT / "train/__main__.py").read_text()
    for option in (part for part in entry if part.startswith("--")):
        assert option.removeprefix("--").replace("-", "_") in source
