"""What commands print where, and where not: colours, progress bars, JSON."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from pba.cli import app
from pba.store import SampleReport, Store, WriteBatch
from pba.types import NetworkMode
from tests.toy import toy_artifact

SENTENCES = {  # these do something, and say in a sentence that it is done
    *("pba import", "pba serve", "pba synth"),
    *("pba keys create", "pba keys revoke", "pba keys rotate"),
    *("pba models publish", "pba models verify", "pba models promote", "pba models rollback"),
}


def commands(command: typer.core.TyperGroup, name: str = "pba") -> Iterator[tuple[str, set[str]]]:
    """Yield the name of each command and its options."""
    for word, one in command.commands.items():
        if isinstance(one, typer.core.TyperGroup):
            yield from commands(one, f"{name} {word}")
        else:
            yield f"{name} {word}", {text for param in one.params for text in param.opts}


def test_every_command_that_prints_data_prints_json_on_request():
    group = get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    without = {name for name, options in commands(group) if "--json" not in options}
    assert without == SENTENCES


@pytest.fixture
def words(tmp_path: Path, models: Path) -> dict[str, list[str]]:
    """Return commands that may take long, with what each does."""
    url, registry = f"sqlite:///{tmp_path}/pba.db", str(tmp_path / "registry")
    store = Store(url, lambda: 2e9).ready()
    store.write(WriteBatch([SampleReport("a", np.array([1e9, 1e9 + 1]), np.full((2, 5), 0.5))]))
    store.close()
    folder = str(toy_artifact(tmp_path / "a", NetworkMode.INTERNET, "a"))
    place, trace = ["--registry", registry], tmp_path / "trace.csv"
    trace.write_text("timestamp_s,bandwidth_mbps\n1,50\n2,60\n3,70\n")
    return {
        "2 samples": ["export", str(tmp_path / "out"), "--store", url],
        f"read {trace}": ["forecast", str(trace), "--in-process", "--models", str(models)],
        "verify the audit": ["audit", "verify", "--store", url],
        f"publish {folder}": ["models", "publish", folder, *place],
        "read the registry": ["models", "list", *place],
        "verify internet a": ["models", "verify", "internet", "a", *place],
    }


def test_what_may_take_long_has_a_progress_bar_in_a_terminal_alone(words: dict[str, list[str]]):
    for label, command in words.items():
        variables = {"FORCE_COLOR": "1", "COLUMNS": "200"}  # which Rich takes for a terminal
        result = CliRunner(env=variables).invoke(app, command, catch_exceptions=False)
        assert label in result.stderr, command
    for command in words.values():
        assert CliRunner().invoke(app, command).stderr == ""


def test_a_pipe_gets_no_colours():
    program = [sys.executable, "-c", "from pba.cli import main; main()"]
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    for words in (["--help"], ["forecast", "missing.csv", "--in-process"]):
        run = subprocess.run([*program, *words], env=environment, capture_output=True, check=False)
        assert run.stdout or run.stderr
        assert b"\x1b" not in run.stdout + run.stderr
