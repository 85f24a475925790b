import re
import tomllib
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
CLUSTER = PROJECT / "cluster"


@pytest.mark.parametrize("path", sorted(CLUSTER.glob("*.y*ml")), ids=lambda path: path.name)
def test_every_file_parses(path: Path):
    assert yaml.safe_load(path.read_text())


def test_on_machines_ray_takes_a_token_and_encrypts_too():
    text = (CLUSTER / "ray-up.yaml").read_text()
    for word in (
        "RAY_AUTH_MODE=token",
        "RAY_AUTH_TOKEN_PATH=$HOME/ray-token",
        "RAY_USE_TLS=1",
        "deployments.node_certificate --ca ~/ray-ca --to ~/ray-tls",
        "RAY_SERVE_HAPROXY_BINARY_PATH=$HOME/pba/deployments/haproxy-with-parent.sh",
    ):
        assert word in text
    assert "dashboard-host" not in text, "by default it is loopback"


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
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert {project["readme"], *project["license-files"]} <= set(copied), "pip builds from these"
    assert "keras" not in (PROJECT / ".dockerignore").read_text(), "a retraining starts from it"
