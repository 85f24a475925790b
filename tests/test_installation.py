"""The distributions, built and used as users do: installed in environments outside the checkout."""

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.environments import Environment, newest
from tests.support.folders import short_folder
from tests.support.ports import own_port
from tests.support.waiting import wait_until
from tests.test_packaging import PROJECT, installed, sources

VERSIONS = ("3.11", "3.12", "3.13")
MOST_CLIENT_PACKAGES = 14
NAMES = ("CHANGELOG.md", "LICENSE", "MANIFEST.in", "NOTICE", "README.md", "pyproject.toml")
NAMES += ("THIRD_PARTY_LICENSES.md", "serve_config.yaml")
CODE_DATA = [*PROJECT.glob("deployments/*.lua"), *PROJECT.glob("deployments/*.sh")]
CODE_DATA += [*PROJECT.glob("deployments/console/**/*.*"), *PROJECT.glob("deployments/grpc/*.pyi")]
DATA = {
    Path("pba/py.typed"),
    Path("pba_serve/shipped_config/serve_config.yaml"),
    *(installed(path) for path in CODE_DATA),
    *(
        Path("pba/shipped_models", path.relative_to(PROJECT / "models"))
        for suffix in ("json", "keras", "md", "onnx")
        for path in PROJECT.glob(f"models/*/*.{suffix}")
    ),
}
IMPORT_ALL = """
import importlib, pkgutil, sys
site, *roots = sys.argv[1:]
for root in roots:
    package = importlib.import_module(root)
    names = [root, *(module.name for module in pkgutil.walk_packages(package.__path__, root + "."))]
    for name in names:
        file = importlib.import_module(name).__file__
        assert file.startswith(site), file
print(len(sys.modules))
"""
CLIENT = """
import numpy as np
from pba import AsyncPBAClient, BandwidthPredictorV3, PBAClient, generate_synthetic_data
from pba.errors import Unavailable
from pba.models.simple import SIMPLE_FORECASTERS
with PBAClient("http://127.0.0.1:9", retries=0) as client:
    try:
        client.models()
    except Unavailable as error:
        print("client:", error)
try:
    BandwidthPredictorV3("internet", model_path="models/internet")
except ImportError as error:
    print("predictor:", error)
print("samples:", len(generate_synthetic_data("internet", 90)))
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Yield a folder on the disk of uv's cache, whose files an environment shares."""
    with tempfile.TemporaryDirectory(prefix="pba-installation-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def distributions(folder: Path) -> Path:
    """Build everything of a release and return its folder."""
    # The environment is that of these tests, whatever the age of its stamp.
    command = ["make", "--old-file=.venv/dev.stamp", "dist", f"DIST={folder / 'dist'}"]
    result = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (built,) = distributions.glob("pba_forecast-*-py3-none-any.whl")
    return built


@pytest.fixture(scope="module")
def serving(folder: Path, wheel: Path) -> Callable[[str], Environment]:
    """Return a function that returns the environment of a service on a version of Python."""

    @cache
    def serving(version: str) -> Environment:
        environment = Environment(folder / f"serve-{version}", version)
        lock = PROJECT / "requirements/serve.txt"
        environment.install("--no-deps", "--require-hashes", "-r", lock)
        # Offline: the lock holds all that the extra asks for.
        environment.install("--offline", f"pba-forecast[serve] @ {wheel.as_uri()}")
        return environment

    return serving


@pytest.fixture(scope="module")
def newest_serving(serving: Callable[[str], Environment]) -> Environment:
    """Return the environment of the newest Python; all other tests serve on the oldest."""
    return serving(newest(VERSIONS))


@pytest.mark.slow
def test_the_wheel_holds_every_module_the_models_the_configuration_and_the_licences(wheel: Path):
    names = {Path(name) for name in zipfile.ZipFile(wheel).namelist()}
    about = {name for name in names if name.parts[0].endswith(".dist-info")}
    assert names - about == {installed(path) for path in sources()} | DATA
    assert {"LICENSE", "NOTICE", "THIRD_PARTY_LICENSES.md"} <= {name.name for name in about}


@pytest.mark.slow
def test_the_sdist_holds_what_the_wheel_is_built_from_and_no_tests(distributions: Path):
    (built,) = distributions.glob("pba_forecast-*.tar.gz")
    with tarfile.open(built) as archive:
        names = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    assert {Path(name) for name in NAMES} <= names
    assert {path.relative_to(PROJECT) for path in sources()} <= names
    assert Path("requirements/serve.txt") in names
    assert not {name for name in names if name.parts[:1] == ("tests",)}


@pytest.mark.slow
@pytest.mark.parametrize("extra", ["client", "serve", "train"])
def test_a_bill_of_materials_lists_the_lock(distributions: Path, extra: str):
    bill = json.loads((distributions / f"pba-forecast-{extra}.cdx.json").read_text())
    assert bill["metadata"]["component"]["name"] == "pba-forecast"
    lock = (PROJECT / f"requirements/{extra}.txt").read_text()
    listed = {f"{part['name']}=={part['version']}" for part in bill["components"]}
    assert listed == set(re.findall(r"^[A-Za-z0-9._-]+==[^ ]+", lock, re.M))
    hashes = {
        entry["content"]
        for part in bill["components"]
        for reference in part["externalReferences"]
        for entry in reference["hashes"]
    }
    assert hashes == set(re.findall(r"sha256:(\w+)", lock))


@pytest.mark.slow
@pytest.mark.parametrize("version", VERSIONS)
def test_the_client_alone_is_few_packages_and_names_the_extra_of_what_it_lacks(
    folder: Path, wheel: Path, tmp_path: Path, version: str
):
    environment = Environment(folder / f"client-{version}", version)
    environment.install("--no-deps", "--require-hashes", "-r", PROJECT / "requirements/client.txt")
    environment.install("--offline", wheel)
    packages = environment.packages()
    assert "pba-forecast" in packages
    assert len(packages) <= MOST_CLIENT_PACKAGES, packages
    output = environment.run("python", "-c", CLIENT, cwd=tmp_path)
    assert "client: http://127.0.0.1:9 does not answer" in output
    assert "predictor: reading a model needs fsspec" in output
    assert "pip install 'pba-forecast[local]'" in output
    assert "samples: 90" in output
    assert re.match(r"pba \d+\.\d+\.\d+\n$", environment.run("pba", "--version", cwd=tmp_path))
    lacking = environment.result("pba", "status", cwd=tmp_path)
    assert lacking.returncode == 1
    assert "pip install 'pba-forecast[cli]'" in lacking.stderr


@pytest.mark.slow
@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_every_module_of_library_and_service_imports_without_training(
    serving: Callable[[str], Environment], tmp_path: Path, version: str
):
    environment = serving(version)
    assert "tensorflow-cpu" not in environment.packages()
    environment.run(
        "python", "-c", IMPORT_ALL, environment.folder, "pba", "pba_serve", cwd=tmp_path
    )


@pytest.mark.slow
@pytest.mark.tf
def test_every_module_of_training_imports_without_the_checkout(
    folder: Path, wheel: Path, tmp_path: Path
):
    zipfile.ZipFile(wheel).extractall(folder / "site")
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, str(folder / "site"), "pba_train"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(folder / "site"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.fixture(scope="module")
def service(folder: Path, newest_serving: Environment) -> Iterator[str]:
    """Start `pba serve` in an empty folder and yield its URL."""
    cwd = folder / "empty"
    cwd.mkdir()
    with own_port() as port, tempfile.TemporaryDirectory(prefix="pba", dir=short_folder()) as ray:
        shown = newest_serving.run("pba", "serve", "--show", cwd=cwd)
        (cwd / "serve_config.yaml").write_text(shown.replace("port: 8000", f"port: {port}"))
        with (cwd / "screen").open("wb") as screen:
            process = subprocess.Popen(
                [newest_serving.folder / "bin/pba", "serve"],
                cwd=cwd,
                env=newest_serving.variables | {"RAY_TMPDIR": ray, "PBA_GRPC_PORT": "0"},
                stdout=screen,
                stderr=screen,
            )
        try:
            wait_until(lambda: _has_started(process, cwd / "screen"), "pba serve", limit_s=200.0)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            finally:
                process.kill()


def _has_started(process: subprocess.Popen[bytes], screen: Path) -> bool:
    assert process.poll() is None, screen.read_text()
    return "PBA answers after" in screen.read_text()


@pytest.mark.ray
@pytest.mark.slow
def test_an_installed_service_forecasts_and_replays(
    folder: Path, newest_serving: Environment, service: str, tmp_path: Path
):
    cwd = folder / "empty"
    newest_serving.run("pba", "synth", "link.csv", "--samples", "90", cwd=cwd)
    forecast = json.loads(
        newest_serving.run("pba", "forecast", "link.csv", "--url", service, cwd=cwd)
    )
    champion = json.loads((PROJECT / "models/internet/card.json").read_text())["version"]
    assert forecast["source"] in ("model", "expert")
    assert forecast["model_version"] == champion
    replay = newest_serving.run("pba", "replay", "link.csv", "--url", service, cwd=cwd)
    assert "Forecasts from the given history" in replay
    assert re.search(r"^ *1 +\d\d ", replay, re.M), replay
    assert (cwd / "data/pba.db").is_file()
    assert not os.listdir(tmp_path)
