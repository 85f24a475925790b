"""What a training command shows on the screen; all other output goes to a log file."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO

import typer
from rich.console import Console
from rich.table import Table

from pba.errors import PBAError

from .progress import duration_text

__all__ = ["TrainingConsole", "open_console", "readable_path", "started_cluster"]

_MOST_COLUMNS = 100
_INTERRUPTED = 130


class TrainingConsole:
    """Prints a command's own lines and tables.

    Parameters
    ----------
    screen
        Where to print.
    log
        The file that all other output goes to.
    """

    def __init__(self, screen: TextIO, log: Path) -> None:
        self.log = log
        self._screen = screen
        self._width = min(_columns(screen), _MOST_COLUMNS)
        self._start = time.monotonic()

    @property
    def elapsed(self) -> str:
        """The time since the start, for people."""
        return duration_text(time.monotonic() - self._start)

    def line(self, text: str) -> None:
        """Print ``text``; a terminal that is gone does not stop a training."""
        try:
            self._screen.write(f"{text}\n")
            self._screen.flush()
        except OSError:
            pass

    def table(self, table: Table) -> None:
        """Print ``table``, at most as wide as the terminal."""
        Console(file=self._screen, width=self._width).print(table)


def _columns(screen: TextIO) -> int:
    try:
        return os.get_terminal_size(screen.fileno()).columns
    except OSError:  # not a terminal
        return _MOST_COLUMNS


@contextmanager
def open_console(log: Path) -> Iterator[TrainingConsole]:
    """Yield a console; meanwhile everything else that the process prints is appended to ``log``.

    Ctrl-C ends the command with one line. An unexpected error leaves its traceback in the log and
    one line on the screen.
    """
    with _output_to(log) as screen, _single_interrupt():
        console = TrainingConsole(screen, log)
        try:
            yield console
        except KeyboardInterrupt:
            console.line("Stopped. The same command with --resume continues from the last epoch.")
            raise typer.Exit(_INTERRUPTED) from None
        except (PBAError, typer.Exit):
            raise
        except Exception as error:
            traceback.print_exc()
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            console.line(f"Training failed: {reason:.200}")
            console.line(f"Details are in {readable_path(log)}")
            raise typer.Exit(1) from error


@contextmanager
def started_cluster(address: str, console: TrainingConsole) -> Iterator[None]:
    """Connect to the cluster at ``address``, or start Ray for ``local``, and say so."""
    from .ray_trainer import cluster

    if address == "local":
        console.line("Starting Ray on this machine, without a dashboard (usually 5 s)")
    else:
        console.line(f"Connecting to the Ray cluster at {address}")
    with cluster(address):
        console.line(f"Ray is ready after {console.elapsed}")
        yield


def readable_path(path: Path) -> str:
    """Return ``path`` relative to the working folder if it lies in it."""
    folder = Path.cwd()
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


@contextmanager
def _output_to(log: Path) -> Iterator[TextIO]:
    """Redirect file descriptors 1 and 2 to ``log`` and yield the standard output of before.

    Ray and TensorFlow also write to the descriptors from C++, past ``sys.stdout``.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        screen = _copy_of_stdout(stack)
        for descriptor in (1, 2):
            original = os.dup(descriptor)
            stack.callback(os.close, original)
            stack.callback(os.dup2, original, descriptor)
        stack.callback(_flush)
        _flush()
        with log.open("ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        yield screen


def _copy_of_stdout(stack: ExitStack) -> TextIO:
    """Return a file on the standard output of now; itself if it is not a real file, as in tests."""
    try:
        descriptor = sys.stdout.fileno()
    except OSError:
        return sys.stdout
    copy = os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors="replace")
    return stack.enter_context(copy)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


@contextmanager
def _single_interrupt() -> Iterator[None]:
    """Ignore Ctrl-C after the first one, so that Ray can be shut down in peace."""

    def interrupt(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
