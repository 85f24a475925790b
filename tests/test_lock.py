"""The locks agree with each other and name a hash for every package."""

import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
NAMES = ("client", "serve", "train", "dev")


def text(name: str) -> str:
    return (REQUIREMENTS / f"{name}.txt").read_text()


def versions(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text(name), re.M))


@pytest.mark.parametrize(
    ("smaller", "larger"), [("client", "serve"), ("serve", "train"), ("train", "dev")]
)
def test_a_larger_lock_includes_the_smaller_one(smaller: str, larger: str):
    assert versions(smaller).items() <= versions(larger).items()


def test_serving_installs_no_training_package():
    names = versions("serve").keys()
    assert not {name for name in names if re.match(r"tensorflow|keras|tf2onnx|torch", name)}


def test_a_client_is_few_packages_beside_the_distribution_itself():
    assert len(versions("client")) < 14


@pytest.mark.parametrize("name", NAMES)
def test_every_package_has_a_hash_and_no_host_is_named(name: str):
    locked = text(name)
    assert "://" not in locked
    assert "--index" not in locked
    for package in re.split(r"\n(?=[A-Za-z0-9])", locked.strip()):
        assert "--hash=sha256:" in package, package[:80]
