"""The committed code is what `make proto` writes."""

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[3]
FOLDER = Path("deployments/grpc")


def test_the_committed_code_is_what_the_proto_generates(tmp_path: Path):
    options = [f"PY={sys.executable}", f"PROTO_OUT={tmp_path}"]
    # -o: the environment that runs this test is taken as it is.
    subprocess.run(["make", "-o", ".venv/dev.stamp", "proto", *options], cwd=PROJECT, check=True)
    written = sorted((tmp_path / FOLDER).iterdir())
    assert [path.name for path in written] == [
        f"{name}_{kind}"
        for name in ("inference", "pba")
        for kind in ("pb2.py", "pb2.pyi", "pb2_grpc.py")
    ]
    for path in written:
        assert path.read_text() == (PROJECT / FOLDER / path.name).read_text(), "run `make proto`"


def test_the_generated_code_imports_neither_ray_nor_the_service():
    program = "import sys, deployments.grpc.pba_pb2_grpc; sys.exit('ray' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=True)
