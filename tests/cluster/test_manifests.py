import re
from pathlib import Path
from typing import Any

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
