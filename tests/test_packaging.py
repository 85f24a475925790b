"""What a wheel holds, and that its modules import without the checkout."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
ROOTS = {"pba": "pba", "deployments": "pba_serve", "train": "pba_train"}
DATA = [
    "pba/py.typed",
    "pba_serve/grpc/inference_pb2.pyi",
    "pba_serve/grpc/pba_pb2.pyi",
    "pba_serve/haproxy-certificates.lua",
    "pba_serve/haproxy-listeners.sh",
    "pba_serve/haproxy-with-errors.sh",
    "pba_serve/haproxy-with-parent.sh",
    *(
        f"pba_serve/{path.relative_to(PROJECT / 'deployments')}"
        for path in sorted((PROJECT / "deployments/console").rglob("*.*"))
    ),
]


def installed(path: Path) -> Path:
    """Return where a file of the checkout lies in a wheel."""
    root, *parts = path.relative_to(PROJECT).parts
    return Path(ROOTS[root], *parts)


def sources() -> list[Path]:
    return [path for root in ROOTS for path in sorted((PROJECT / root).rglob("*.py"))]


def test_every_package_is_listed_for_the_wheel():
    declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = {
        ".".join(installed(path.parent).parts) for path in sources() if path.name == "__init__.py"
    }
    assert set(declared["packages"]) == packages, "update tool.setuptools.packages"


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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, unpack it, and return the folder."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "copy"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ROOTS:
        shutil.copytree(PROJECT / name, copy / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, copy)
    options = ["--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, copy]
    subprocess.run(command, check=True, timeout=120)
    (built,) = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "site")
    return folder / "site"


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_the_data(wheel: Path):
    files = {
        path.relative_to(wheel)
        for path in wheel.rglob("*")
        if path.is_file() and path.suffix != ".pyc"  # of an import by another test
    }
    code = {path for path in files if ".dist-info" not in path.parts[0]}
    assert code == {installed(path) for path in sources()} | set(map(Path, DATA))


IMPORT_ALL = """
import importlib, pkgutil, sys
site, blocked, *roots = sys.argv[1:]
for name in blocked.split(","):
    sys.modules[name] = None
for root in roots:
    package = importlib.import_module(root)
    names = [root, *(module.name for module in pkgutil.walk_packages(package.__path__, root + "."))]
    for name in names:
        file = importlib.import_module(name).__file__
        assert file.startswith(site), file
"""
CHECKOUT = "deployments,train"
TRAINING = "tensorflow,keras,tf2onnx,onnx,matplotlib"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("blocked", "roots"),
    [
        (f"{CHECKOUT},{TRAINING},pba_train", ["pba", "pba_serve"]),
        pytest.param(f"{CHECKOUT},pba_serve", ["pba_train"], marks=pytest.mark.tf),
    ],
)
def test_every_module_of_the_wheel_imports_without_the_checkout(
    wheel: Path, tmp_path: Path, blocked: str, roots: list[str]
):
    import_all(wheel, tmp_path, blocked, roots)


@pytest.mark.slow
@pytest.mark.tf
def test_every_module_of_the_checkout_imports_from_its_folder():
    import_all(PROJECT, PROJECT, "pba_serve,pba_train", ["deployments", "train"])


def import_all(site: Path, cwd: Path, blocked: str, roots: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, str(site), blocked, *roots],
        cwd=cwd,
        env={"PYTHONPATH": str(site), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
