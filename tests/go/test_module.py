"""The Go module: generated as the proto says, tested, and its example against a live service.

No Go proxy is needed: it is built against the sources that Debian installs.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.ingress.wiring import grpc_server
from tests.support.in_process import open_in_process
from tests.support.keys import key
from tests.support.ports import own_port

PROJECT = Path(__file__).parents[2]
MODULE = PROJECT / "clients/go"
SOURCES = Path("/usr/share/gocode")
NEEDED = ("google.golang.org/grpc", "google.golang.org/protobuf")
PLUGINS = ("protoc-gen-go", "protoc-gen-go-grpc")

_has_go = shutil.which("go") and all((SOURCES / "src" / name).is_dir() for name in NEEDED)
_has_plugins = all(map(shutil.which, PLUGINS))

needs_go = pytest.mark.skipif(
    not _has_go,
    reason="needs Go and its sources (Debian: golang-go, golang-google-grpc-dev, "
    "golang-google-protobuf-dev)",
)


class GoPath:
    """A folder in which Go finds the module and what it needs."""

    def __init__(self, folder: Path) -> None:
        self.module = folder / "src/pba.internal/clients/go"
        shutil.copytree(MODULE, self.module)
        cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "go-build"
        paths = {"GOPATH": f"{folder}:{SOURCES}", "GOCACHE": str(cache), "GO111MODULE": "off"}
        self._environment = {**os.environ, **paths}

    def run(self, *command: str) -> None:
        """Run a command of Go in the module."""
        run = subprocess.run(
            ["go", *command],
            cwd=self.module,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def go_path(tmp_path_factory: pytest.TempPathFactory) -> GoPath:
    return GoPath(tmp_path_factory.mktemp("gopath"))


@pytest.mark.skipif(not _has_plugins, reason=f"needs {' and '.join(PLUGINS)}")
def test_the_generated_code_is_that_of_the_proto(tmp_path: Path):
    options = [
        f"--{kind}_{part}"
        for kind in ("go", "go-grpc")
        for part in (f"out={tmp_path}", "opt=paths=source_relative")
    ]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROJECT / 'proto'}"]
    subprocess.run([*command, *options, "pba.proto"], check=True)
    for file in ("pba.pb.go", "pba_grpc.pb.go"):
        committed = (MODULE / "pbav1" / file).read_text()
        assert committed == (tmp_path / file).read_text(), "run make proto-go"


@needs_go
@pytest.mark.slow
def test_it_is_formatted_and_its_own_tests_pass(go_path: GoPath):
    command = [*("gofmt", "-l"), str(MODULE)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""
    go_path.run("vet", "./...")
    go_path.run("test", "./...")


@needs_go
@pytest.mark.slow
async def test_the_example_reports_asks_and_watches(go_path: GoPath, tmp_path: Path):
    program = tmp_path / "report"
    await asyncio.to_thread(go_path.run, "build", "-o", str(program), "./examples/report")
    with own_port() as port:
        async with open_in_process(tmp_path, grpc_port=port) as service:
            record, header = key("reporter", "fra1:*")
            service.services.stores.flags.keys.add(record)
            await service.services.callers.refresh()
            server = grpc_server(service.services)
            await server.start()
            output, status = await _output(program, port, header["Authorization"])
            await server.stop()
    assert status == 0, output
    first, *lines = output.splitlines()
    assert first == "stored 60 samples of fra1:ams2"
    assert sum(line.startswith("fra1:ams2: +1 ") for line in lines) == 5
    assert sum("4 GB take at most" in line for line in lines) == 2
    assert lines.count("stored 1 samples of fra1:ams2") == 3


async def _output(program: Path, port: int, authorization: str) -> tuple[str, int | None]:
    """Return what the example prints, and its status; the first address does not answer."""
    process = await asyncio.create_subprocess_exec(
        str(program),
        "-addresses",
        f"127.0.0.1:1,127.0.0.1:{port}",
        env={**os.environ, "PBA_API_KEY": authorization.removeprefix("Bearer ")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode(), process.returncode
