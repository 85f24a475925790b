"""Progress of a run: lines that a worker appends to a file, and the command that shows them."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Self

__all__ = ["EpochProgress", "ProgressFollower", "duration_text", "line_writer"]

_EPOCH_LINE_S = 5.0
_BATCH_LINE_S = 30.0
_POLL_S = 0.5
_SHOWN = ("loss", "val_loss", "val_accuracy_20")


def duration_text(duration_s: float) -> str:
    """Return a duration for people.

    >>> duration_text(42.4), duration_text(150.0)
    ('42 s', '2.5 min')
    """
    return f"{duration_s:.0f} s" if duration_s < 100.0 else f"{duration_s / 60:.1f} min"


class EpochProgress:
    """Writes a line per epoch, at most every 5 s, and every 30 s within a long epoch.

    Parameters
    ----------
    name
        Of the run.
    epochs, batches
        The most epochs, and the batches per epoch.
    completed
        Epochs that were completed before, in a resumed run.
    write
        Takes each line.
    clock
        Seconds, for durations.
    """

    def __init__(
        self,
        name: str,
        epochs: int,
        batches: int,
        completed: int = 0,
        *,
        write: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._epochs, self._batches = name, epochs, batches
        self._first_batch, self._epoch = completed * batches, completed
        self._clock, self._write = clock, write
        self._start = self._last = clock()

    def batch(self, completed: int, loss: float) -> None:
        """Report that ``completed`` batches of this epoch are completed."""
        if self._clock() - self._last >= _BATCH_LINE_S:
            self._line(f"batch {completed}/{self._batches}  loss {loss:.3f}", completed)

    def epoch(self, figures: Mapping[str, float]) -> None:
        """Report that an epoch is completed; the last one always gets a line."""
        last = self._epoch + 1 == self._epochs
        if last or self._epoch == 0 or self._clock() - self._last >= _EPOCH_LINE_S:
            shown = [f"{name} {figures[name]:.3f}" for name in _SHOWN if name in figures]
            self._line("  ".join(shown), self._batches)
        self._epoch += 1

    def _line(self, text: str, completed: int) -> None:
        self._last = self._clock()
        total = self._epochs * self._batches
        batch = self._epoch * self._batches + completed
        left_s = (self._last - self._start) * (total - batch) / max(1, batch - self._first_batch)
        left = f"  at most {duration_text(left_s)} left" if left_s else ""
        self._write(f"{self._name}  epoch {self._epoch + 1}/{self._epochs}  {text}{left}")


def line_writer(path: Path) -> Callable[[str], None]:
    """Return a function that appends a line to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(line: str) -> None:
        with path.open("a") as file:
            file.write(f"{line}\n")

    return write


class ProgressFollower:
    """Passes on lines as they are appended to files, which other processes or nodes write.

    Parameters
    ----------
    paths
        The files, which need not exist yet; lines that they contain already are skipped.
    on_line
        Takes each new line; called from a thread of the follower.
    """

    def __init__(self, paths: Iterable[Path], on_line: Callable[[str], None]) -> None:
        self._offsets = {path: path.stat().st_size if path.exists() else 0 for path in paths}
        self._on_line = on_line
        self._lock, self._stop = Lock(), Event()
        self._thread = Thread(target=self._poll, name="training-progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.flush()

    def flush(self) -> None:
        """Pass on all complete lines written so far."""
        with self._lock:
            for path in self._offsets:
                for line in self._new_lines(path):
                    self._on_line(line)

    def _poll(self) -> None:
        while not self._stop.wait(_POLL_S):
            self.flush()

    def _new_lines(self, path: Path) -> list[str]:
        if not path.exists():
            return []
        with path.open("rb") as file:
            file.seek(self._offsets[path])
            complete, newline, _ = file.read().rpartition(b"\n")
        self._offsets[path] += len(complete + newline)
        return complete.decode().splitlines()
