"""The last samples of a link, and those of many links as they were read or written lately."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pba.store.sample_statements import RECENT
from pba.store.statements import to_seconds
from pba.telemetry.spacing import spacing
from pba.types import COLUMNS, Floats

__all__ = ["NO_SAMPLES", "KeptSamples", "Samples", "SampleCache"]

_LINKS = 10_000  # of 3.5 kB each
_IDLE_US = 60_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one link, oldest first.

    Parameters
    ----------
    at_us
        Their times in microseconds, ``(sample,)``.
    telemetry
        Columns as in `pba.types.COLUMNS`, ``(sample, 5)``.
    """

    at_us: NDArray[np.int64]
    telemetry: Floats

    def completed(self, new: Mapping[int, Sequence[float]], count: int | None = None) -> "Samples":
        """Return the samples with ``new`` ones; the last ``count``, if it is given.

        Parameters
        ----------
        new
            Values by time, in its order, of other times than these samples.
        """
        if not new:
            return self if count is None else self.newest(count)
        times_us = [*new]
        most = len(self.at_us) + len(times_us) if count is None else count
        late = len(self.at_us) and times_us[0] < self.at_us[-1]
        if late or len(times_us) > most:
            at_us = np.concatenate([self.at_us, np.array(times_us)])
            telemetry = np.concatenate([self.telemetry, np.array([*new.values()], dtype=float)])
            order = np.argsort(at_us, kind="stable")
            return Samples(at_us[order], telemetry[order]).newest(most)
        kept = min(len(self.at_us), most - len(times_us))
        start = len(self.at_us) - kept
        at_us = np.empty(kept + len(times_us), dtype=np.int64)
        telemetry = np.empty((len(at_us), len(COLUMNS)))
        at_us[:kept], telemetry[:kept] = self.at_us[start:], self.telemetry[start:]
        at_us[kept:], telemetry[kept:] = times_us, [*new.values()]
        return Samples(at_us, telemetry)

    def newest(self, count: int) -> "Samples":
        """Return the last ``count`` samples."""
        if len(self.at_us) <= count:
            return self
        return Samples(self.at_us[-count:], self.telemetry[-count:])

    def merges(self) -> bool:
        """Return whether a window of samples is so dense that it says too little."""
        return len(self.at_us) >= RECENT and spacing(to_seconds(self.at_us)).merges


NO_SAMPLES = Samples(np.empty(0, dtype=np.int64), np.empty((0, len(COLUMNS))))


class KeptSamples(NamedTuple):
    """The last samples of a link, at most `RECENT`, as of a state of its row.

    Parameters
    ----------
    key, newest_us, heard_us
        The link's key, and the times of its newest sample and of its last report. They are others
        after whatever adds or moves a sample: of two reports that leave the newest sample, the
        later one has a later time (`pba.store.sample_statements.UPDATE_LINKS`).
    samples
        What is stored in that state.
    """

    key: int
    newest_us: int
    heard_us: int
    samples: Samples

    @property
    def state(self) -> tuple[int, int, int]:
        """What the link's row must say for the samples to hold."""
        return self[:3]

    def owned(self) -> "KeptSamples":
        """Return the same with arrays of its own, which nobody may change."""
        at_us, telemetry = self.samples.at_us, self.samples.telemetry
        kept = self
        if at_us.base is not None or telemetry.base is not None:  # a part of a larger read
            at_us, telemetry = at_us.copy(), telemetry.copy()
            kept = self._replace(samples=Samples(at_us, telemetry))
        at_us.flags.writeable = telemetry.flags.writeable = False
        return kept

    def lasts(self, retention_us: int) -> bool:
        """Return whether tidying removes none of the samples, as long as the state is this."""
        at_us = self.samples.at_us
        return not len(at_us) or bool(at_us[0] >= self.newest_us - retention_us)


class SampleCache:
    """The last samples of links, as they were read or written lately, for a process's stores.

    What is kept is compared with the link's row before it is used, so another process may write to
    the same links. Of more links than fit, those that are kept stay as long as they are used: if
    links take turns, the one that was not used for longest would always be the next.

    Parameters
    ----------
    links
        How many links' samples are kept.
    idle_us
        Those of links that were not used for so long make room for others.
    """

    def __init__(self, links: int = _LINKS, idle_us: int = _IDLE_US) -> None:
        self._most = links
        self._idle_us = idle_us
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[KeptSamples, int]] = {}  # with the time of use, in its order

    def of(self, names: Iterable[str], now_us: int) -> dict[str, KeptSamples]:
        """Return what is kept of the links called ``names``."""
        known: dict[str, KeptSamples] = {}
        with self._lock:
            for name in names:
                if name in self._kept:
                    kept, _ = self._kept.pop(name)
                    self._kept[name] = kept, now_us
                    known[name] = kept
        return known

    def keep(self, samples: Mapping[str, KeptSamples], now_us: int, retention_us: int) -> None:
        """Keep ``samples`` by link, in the place of what was kept of the same links.

        Not those of which some are older than the link's newest one by more than the retention,
        since tidying removes them and changes no state.
        """
        lasting = {name: kept.owned() for name, kept in samples.items() if kept.lasts(retention_us)}
        with self._lock:
            for name in samples:
                replaced = self._kept.pop(name, None) is not None
                if name in lasting and (replaced or self._has_room(now_us)):
                    self._kept[name] = lasting[name], now_us

    def _has_room(self, now_us: int) -> bool:
        """Return whether another link fits, once the one that was unused for longest has gone."""
        if len(self._kept) < self._most:
            return True
        for name, (_, used_us) in self._kept.items():
            if abs(now_us - used_us) < self._idle_us:
                break
            del self._kept[name]
            return True
        return False
