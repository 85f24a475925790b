"""Toy models, a trace file, and the command as a user types it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.types.profile import PROFILES
from tests.toy import toy_artifact

Run = Callable[..., Result]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return a folder with a toy model of each mode."""
    for mode in PROFILES:
        toy_artifact(tmp_path / "models" / mode, mode)
    return tmp_path / "models"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Return a file with the traces ``one`` (test, 80 samples) and ``two`` (train, 70)."""
    path = tmp_path / "trace.csv"
    lines = ["timestamp_s,bandwidth_mbps,trace_id,split"]
    for name, split, count in (("one", "test", 80), ("two", "train", 70)):
        lines += [f"{at},{50 + np.sin(at):.3f},{name},{split}" for at in range(count)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def run(models: Path) -> Run:
    """Return a function that runs a command in process, in a terminal of 80 columns."""

    def call(*words: object) -> Result:
        options = ["--in-process", "--models", str(models)]
        runner = CliRunner(env={"COLUMNS": "80"})
        return runner.invoke(app, [*map(str, words), *options], catch_exceptions=False)

    return call
