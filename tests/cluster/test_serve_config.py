"""The profile of a cluster: serve_config.yaml but for named fields; it can roll where it runs."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
WORKERS = 2
"""The fewest workers that the profile is for, as cluster/README.md says."""


def read(path: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((PROJECT / path).read_text())
    return content


def deployment(config: dict[str, Any], name: str) -> dict[str, Any]:
    (match,) = (each for each in config["applications"][0]["deployments"] if each["name"] == name)
    result: dict[str, Any] = match
    return result


def test_the_profile_is_serve_config_but_for_named_differences():
    expected = copy.deepcopy(read("serve_config.yaml"))
    expected["http_options"]["host"] = "0.0.0.0"
    expected["applications"][0]["args"] = {"grpc_host": "0.0.0.0"}
    router = deployment(expected, "Router")
    router["max_replicas_per_node"] = 2
    router["autoscaling_config"]["min_replicas"] = 3
    assert read("cluster/serve_config.yaml") == expected


def test_every_difference_is_listed():
    text = (PROJECT / "cluster/README.md").read_text()
    section = text.partition("## The profile")[2].partition("\n## ")[0]
    assert all(
        f"`{name}`" in section
        for name in ("http_options.host", "grpc_host", "max_replicas_per_node", "min_replicas")
    )


@pytest.mark.parametrize("workers", [WORKERS, WORKERS + 1])
def test_the_profile_can_roll_on_its_own_minimum_of_nodes(workers: int):
    router = deployment(read("cluster/serve_config.yaml"), "Router")
    assert router["max_surge_percent"] > 0
    room = router["max_replicas_per_node"] * workers
    assert router["autoscaling_config"]["min_replicas"] < room, "no replacement could start"


def test_a_node_that_comes_back_gets_a_router():
    router = deployment(read("cluster/serve_config.yaml"), "Router")
    others = router["max_replicas_per_node"] * (WORKERS - 1)
    assert router["autoscaling_config"]["min_replicas"] > others, "the others would have them all"
