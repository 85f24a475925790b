"""Whether a command continues an earlier one or starts over."""

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer

from pba.types import NetworkMode
from pba.types.profile import PROFILES
from train import training_command
from train.training_command import DataSource, PlanSettings, TrainingRequest, train_networks


@pytest.mark.parametrize("resume", [True, False])
def test_checkpoints_of_an_earlier_command_are_kept_only_to_resume(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resume: bool
) -> None:
    shape = replace(PROFILES[NetworkMode.DATACENTER], units=(4, 4))
    checkpoint = tmp_path / "runs" / shape.mode / "checkpoint"
    checkpoint.mkdir(parents=True)

    def stop(runs: Any, **_: Any) -> None:
        (run,) = runs
        assert run.storage / run.name == checkpoint.parent
        raise KeyboardInterrupt

    monkeypatch.setattr(training_command, "run_all", stop)
    monkeypatch.setattr(training_command, "started_cluster", lambda *_: nullcontext())
    request = TrainingRequest([shape], DataSource(samples=300), PlanSettings(), tmp_path)
    with pytest.raises(typer.Exit):
        train_networks(replace(request, resume=resume))
    assert checkpoint.exists() == resume
