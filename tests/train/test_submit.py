"""The training command behind `ray job submit`, on a real Ray head of two CPUs."""

import subprocess
from pathlib import Path

import pytest

from pba.registry import artifacts
from tests.support.ray_head import environment, ray_command

pytestmark = [
    pytest.mark.ray,
    pytest.mark.tf,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ROOT = Path(__file__).parents[2]


def test_a_submitted_job_trains_and_its_log_has_a_few_lines(head: str, tmp_path: Path) -> None:
    job = "python -m train --mode v1 --workers 1 --epochs 1 --samples 200"
    options = ["--address", head, "--working-dir", "."]
    done = subprocess.run(
        ray_command("job", "submit", *options, "--", *job.split(), f"--output={tmp_path}"),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    log = (tmp_path / "train.log").read_text() if (tmp_path / "train.log").exists() else ""
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:] + log[-4000:]
    artifacts.load(str(tmp_path / "v1"), "v1")
    lines = done.stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if line == "Training v1")
    last = next(i for i, line in enumerate(lines) if "pba models promote v1" in line)
    shown = lines[first : last + 1]
    assert len(shown) <= 25
    assert max(len(line.replace(str(tmp_path), "")) for line in shown) <= 100
    assert any(line.startswith("v1  epoch 1/1") for line in shown)
    assert "RayTrainWorker" not in done.stdout
    assert "RayTrainWorker" in log
