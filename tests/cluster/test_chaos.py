"""Three nodes under load with the shipped clients; one of them dies, and a router."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.bed.machine import PROJECT
from tests.support.bed import NEEDS_BED, bed_environment

pytestmark = [
    NEEDS_BED,
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("leaves_nothing"),
]


def test_a_worker_and_a_router_die_and_no_call_fails_and_no_sample_is_lost(tmp_path: Path):
    command = [sys.executable, "-m", "benchmarks.cluster", "chaos", "--short", "--logs", tmp_path]
    done = subprocess.run(
        command, cwd=PROJECT, env=bed_environment(), text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a replica of Router is killed" in done.stdout
