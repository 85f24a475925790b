"""What a person sees of a service on one machine; all other output goes to a log file."""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pba.private_files import create_private_folder

__all__ = ["Screen", "log_path", "relevant_lines"]

KEPT_LOGS = 10
_ERROR_LINES = 8
_LINE_WIDTH = 300


def log_path(folder: Path) -> Path:
    """Return a new log file's path in ``folder``, and delete all but the newest of earlier ones."""
    create_private_folder(folder)
    for old in sorted(folder.glob("serve-*.log"))[: 1 - KEPT_LOGS]:
        old.unlink(missing_ok=True)
    return folder / time.strftime("serve-%Y%m%d-%H%M%S.log")


def relevant_lines(text: str) -> list[str]:
    """Return the last lines of ``text``, which name the error, without empty and marker lines."""
    lines = [line.rstrip()[:_LINE_WIDTH] for line in text.splitlines() if line.strip(" ^~")]
    return lines[-_ERROR_LINES:]


class Screen:
    """Writes lines to the terminal while the process's own output goes to a file.

    Parameters
    ----------
    terminal
        Where the lines go.
    log
        The file that everything else goes to.
    """

    def __init__(self, terminal: TextIO, log: Path) -> None:
        self.log = log
        self._terminal = terminal
        self._started = time.monotonic()

    @classmethod
    def redirect(cls, log: Path) -> "Screen":
        """Send file descriptors 1 and 2 of this process and its children to ``log``.

        Ray and Serve write to them from C++ and from other processes until the very end, so they
        are not put back.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        terminal = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8", errors="replace")
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        return cls(terminal, log)

    @property
    def elapsed_s(self) -> float:
        """Seconds since this object was created."""
        return time.monotonic() - self._started

    def line(self, text: str, end: str = "\n") -> None:
        """Write ``text``; a terminal that is gone is no reason to stop."""
        try:
            self._terminal.write(text + end)
            self._terminal.flush()
        except OSError:
            pass

    def step(self, text: str) -> None:
        """Write ``text`` with the time since the start."""
        self.line(f"{self.elapsed_s:6.0f} s  {text}")

    def failure(self, what: str, details: Iterable[str]) -> None:
        """Write what failed, its details, and where the whole log lies."""
        self.line(f"PBA did not start: {what}")
        for line in details:
            self.line(f"  | {line}")
        self.line(f"The whole log is in {self.log}")
