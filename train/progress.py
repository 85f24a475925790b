"""Lines that say how a run gets on."""

import time
from collections.abc import Callable

import typer

__all__ = ["Progress"]

_EVERY_S = 5.0


class Progress:
    """Says where a run is, at most every 5 s inside an epoch, and at the end of each.

    Parameters
    ----------
    name
        Of the run.
    epochs, batches
        How many epochs, and batches an epoch, there are at most.
    done
        Epochs done before, in a run that was resumed.
    clock
        Seconds, for durations.
    say
        Takes each line.
    """

    def __init__(
        self,
        name: str,
        epochs: int,
        batches: int,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = typer.echo,
    ) -> None:
        self._name, self._epochs, self._batches = name, epochs, batches
        self._first, self._epoch = done * batches, done
        self._clock, self._say = clock, say
        self._start = self._last = clock()

    def batch(self, done: int, loss: float) -> None:
        """Note that ``done`` batches of this epoch are done."""
        if self._clock() - self._last >= _EVERY_S:
            self._line(f"batch {done}/{self._batches}  loss {loss:.4f}", done)

    def epoch(self, figures: dict[str, float]) -> None:
        """Note that an epoch is done."""
        said = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
        self._line(said, self._batches)
        self._epoch += 1

    def _line(self, text: str, done: int) -> None:
        self._last = self._clock()
        total = self._epochs * self._batches
        at = self._epoch * self._batches + done
        left_s = (self._last - self._start) * (total - at) / max(1, at - self._first)
        self._say(
            f"{self._name}  epoch {self._epoch + 1}/{self._epochs}  {text}  "
            f"at most {left_s / 60:.1f} min left"
        )
