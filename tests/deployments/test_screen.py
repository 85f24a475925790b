"""What the terminal shows, and what goes to the log instead."""

import io
import subprocess
import sys
from pathlib import Path

from deployments.screen import KEPT_LOGS, Screen, log_path, relevant_lines


class ClosedTerminal(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_only_the_screens_own_lines_reach_the_terminal(tmp_path: Path):
    log = tmp_path / "log"
    program = (
        "import os, subprocess; from pathlib import Path; from deployments.screen import Screen;"
        f"screen = Screen.redirect(Path({str(log)!r})); print('from print');"
        "os.write(2, b'from C\\n'); subprocess.run(['echo', 'from a child']);"
        "screen.line('for people'); screen.step('Ray runs')"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stdout == "for people\n     0 s  Ray runs\n"
    assert result.stderr == ""
    assert set(log.read_text().splitlines()) == {"from print", "from C", "from a child"}


def test_a_failure_names_its_cause_and_the_log():
    terminal = io.StringIO()
    Screen(terminal, Path("data/logs/serve.log")).failure("no model", ["BadArtifact: x"])
    assert terminal.getvalue().splitlines() == [
        "PBA did not start: no model",
        "  | BadArtifact: x",
        "The whole log is in data/logs/serve.log",
    ]


def test_a_closed_terminal_stops_nothing():
    Screen(ClosedTerminal(), Path("serve.log")).line("nobody reads this")


def test_the_last_lines_of_a_traceback_are_the_relevant_ones():
    text = "".join(f"  File {number}\n    call()\n    ^^^^^^\n\n" for number in range(9))
    lines = relevant_lines(text + "ValueError: wrong" + "!" * 1000)
    assert len(lines) == 8
    assert lines[-1].startswith("ValueError: wrong!!")
    assert len(lines[-1]) == 300
    assert not any("^" in line for line in lines)


def test_a_new_log_leaves_the_newest_of_the_earlier_ones(tmp_path: Path):
    folder = tmp_path / "logs"
    log_path(folder)
    for minute in range(20):
        (folder / f"serve-20260101-00{minute:02}00.log").touch()
    new = log_path(folder)
    new.touch()
    left = sorted(folder.iterdir())
    assert len(left) == KEPT_LOGS
    assert left[-1] == new
    assert left[0].name == "serve-20260101-001100.log"
