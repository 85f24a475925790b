"""What a command shows, and what goes to its log."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pba.errors import InvalidInput
from train.console import open_console, readable_path

SCRIPT = """
import os, signal, sys
from pathlib import Path
import typer
from train.console import open_console

app = typer.Typer()

@app.command()
def main(what: str) -> None:
    with open_console(Path(sys.argv[2]) / "train.log") as console:
        console.line("shown")
        print("noise of Python")
        os.write(2, b"noise of C++\\n")
        if what == "interrupt":
            signal.raise_signal(signal.SIGINT)
        if what == "error":
            raise ValueError("broken")
    print("after")

app(sys.argv[1:2])
"""


def run(what: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", SCRIPT, what, str(folder)]
    return subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])


def test_only_the_commands_own_lines_are_shown_and_the_rest_is_logged(tmp_path: Path) -> None:
    done = run("finish", tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("shown\nafter\n", "", 0)
    log = (tmp_path / "train.log").read_text()
    assert sorted(log.splitlines()) == ["noise of C++", "noise of Python"]


def test_ctrl_c_ends_with_one_line_that_names_resume(tmp_path: Path) -> None:
    done = run("interrupt", tmp_path)
    assert done.stdout == (
        "shown\nStopped. The same command with --resume continues from the last epoch.\n"
    )
    assert (done.stderr, done.returncode) == ("", 130)


def test_an_unexpected_error_is_one_line_and_its_traceback_is_in_the_log(tmp_path: Path) -> None:
    done = run("error", tmp_path)
    log = tmp_path / "train.log"
    assert done.stdout == f"shown\nTraining failed: ValueError: broken\nDetails are in {log}\n"
    assert (done.stderr, done.returncode) == ("", 1)
    assert "Traceback" in log.read_text()


def test_a_refusal_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput), open_console(tmp_path / "train.log"):
        raise InvalidInput("a rule")


def interrupt_twice(steps: list[str]) -> None:
    try:
        signal.raise_signal(signal.SIGINT)
        steps.append("not interrupted")
    finally:
        signal.raise_signal(signal.SIGINT)
        steps.append("cleaned up")


def test_a_second_ctrl_c_is_ignored_while_the_first_is_handled(tmp_path: Path) -> None:
    before, steps = signal.getsignal(signal.SIGINT), list[str]()
    with pytest.raises(typer.Exit), open_console(tmp_path / "train.log"):
        interrupt_twice(steps)
    assert steps == ["cleaned up"]
    assert signal.getsignal(signal.SIGINT) is before


def test_paths_in_the_working_folder_are_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert readable_path(tmp_path / "build" / "models") == "build/models"
    assert readable_path(tmp_path.parent) == str(tmp_path.parent)
