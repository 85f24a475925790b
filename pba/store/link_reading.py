"""What is stored of links before a write or a forecast: state, record and last samples."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from pba.forecasting.link_record import LinkRecord
from pba.store.executor import Call, Executor
from pba.store.link_queries import record_of
from pba.store.recent_samples import NO_SAMPLES, KeptSamples, SampleCache, Samples
from pba.store.sample_statements import READ_LINKS, READ_LONGER, READ_RECENT, RECENT
from pba.store.statements import to_seconds
from pba.store.values import LinkContext
from pba.telemetry.link_mode import LinkMode
from pba.telemetry.spacing import regular_steps
from pba.types import History, NetworkMode

__all__ = ["LinkRow", "contexts_of", "link_calls", "link_contexts", "stored_links"]

_ANY_TIME = (0, 0)
_MODES = {None: None} | {mode.value: mode for mode in NetworkMode}
_NOT_KEPT = (-1, -1, -1)
_NOTHING: Mapping[str, KeptSamples] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class LinkRow:
    """A link as it is stored.

    Parameters
    ----------
    key
        None for a link that is not stored yet.
    newest_us, heard_us
        The time of its newest sample, and of its last report by the service's clock.
    recent
        Its last samples, if they are known.
    known
        Whether they are.
    """

    name: str
    key: int | None = None
    mode: LinkMode = LinkMode()
    newest_us: int = -1
    heard_us: int = -1
    packed_record: bytes | None = None
    old_record: str | None = None
    recent: Samples = NO_SAMPLES
    known: bool = False

    @property
    def record(self) -> LinkRecord:
        """The link's record."""
        return record_of(self.packed_record, self.old_record)

    @property
    def state(self) -> tuple[int | None, int, int]:
        """What tells whether the link has changed, as `pba.store.recent_samples.KeptSamples`."""
        return self.key, self.newest_us, self.heard_us

    def in_mode(self, mode: NetworkMode | None) -> "LinkRow":
        """Return the link in this mode."""
        if mode is self.mode.mode:
            return self
        return replace(self, mode=replace(self.mode, mode=mode))


def link_calls(
    names: Sequence[str],
    spans: Mapping[str, tuple[int, int]] = MappingProxyType({}),
    always: Container[str] = (),
    kept: Mapping[str, KeptSamples] = _NOTHING,
) -> list[Call]:
    """Return the statements that read links and those of their samples that a write needs.

    Parameters
    ----------
    spans
        The times (microseconds) of the first and last sample that are to be written, by link.
    always
        The links whose last samples are needed in any case.
    kept
        Samples that need not be read, if they hold.
    """
    rows = [
        (name, *spans.get(name, _ANY_TIME), name in always, *(kept.get(name) or _NOT_KEPT)[:3])
        for name in names
    ]
    return [(READ_LINKS, [(name,) for name in names]), (READ_RECENT, rows)]


def stored_links(
    rows: Sequence[Sequence[tuple[Any, ...]]], kept: Mapping[str, KeptSamples] = _NOTHING
) -> dict[str, LinkRow]:
    """Return links by name from the ``rows`` of each of the statements of `link_calls`."""
    links, samples = rows
    read = _by_link(samples)
    return {row[1]: _stored_link(row, read.get(row[0]), kept.get(row[1])) for row in links}


def link_contexts(
    executor: Executor, link_ids: Sequence[str], cache: SampleCache, now_us: int, retention_us: int
) -> dict[str, LinkContext]:
    """Return mode, record and last samples of those of ``link_ids`` that exist.

    Those are as many as the longest window of a model; of links whose samples merge
    (`pba.telemetry.spacing`) four times as many.

    Parameters
    ----------
    cache
        Samples that need not be read if they hold; those that are read are kept there.
    now_us
        The time now.
    retention_us
        As for `pba.store.recent_samples.SampleCache.keep`.
    """
    names = dict.fromkeys(link_ids)
    kept = cache.of(names, now_us)
    rows = executor.read(link_calls([*names], always=names, kept=kept))
    links = stored_links(rows, kept)
    read = {
        name: KeptSamples(link.key, link.newest_us, link.heard_us, link.recent.newest(RECENT))
        for name, link in links.items()
        if link.key is not None and not (name in kept and kept[name].state == link.state)
    }
    cache.keep(read, now_us, retention_us)
    return contexts_of(executor, {name: (link, link.recent) for name, link in links.items()})


def contexts_of(
    executor: Executor, links: Mapping[str, tuple[LinkRow, Samples]]
) -> dict[str, LinkContext]:
    """Return what forecasts of links start from, with their last samples as they are known.

    More samples are read of links whose samples merge.
    """
    windows = {name: samples.newest(RECENT) for name, (_, samples) in links.items()}
    merging = _merging(windows)
    if merging:
        rows = [(name, *_ANY_TIME, True, *_NOT_KEPT) for name in merging]
        calls: list[Call] = [(READ_LINKS, [(name,) for name in merging]), (READ_LONGER, rows)]
        longer = stored_links(executor.read(calls))
        windows |= {name: link.recent for name, link in longer.items()}
    return {
        name: LinkContext(
            name,
            link.mode.mode or NetworkMode.INTERNET,
            History.trusted(to_seconds(windows[name].at_us), windows[name].telemetry),
            link.record,
        )
        for name, (link, _) in links.items()
    }


def _merging(windows: Mapping[str, Samples]) -> list[str]:
    """Return the links whose windows say too little; regular ones are told from others at once."""
    full = [name for name, window in windows.items() if len(window.at_us) >= RECENT]
    if not full:
        return []
    at_us = np.stack([windows[name].at_us for name in full])
    _, regular = regular_steps(to_seconds(at_us), np.inf)
    pairs = zip(full, regular.tolist(), strict=True)
    return [name for name, is_regular in pairs if not is_regular and windows[name].merges()]


def _stored_link(row: tuple[Any, ...], read: Samples | None, kept: KeptSamples | None) -> LinkRow:
    """Return the link in ``row`` with its last samples as they were read, or as they are kept."""
    key, name, mode, since_us, candidate, checked_us, switches, newest_us, heard_us = row[:9]
    state = LinkMode(
        _MODES[mode],
        since_us,
        _MODES[candidate],
        checked_us,
        switches,
    )
    packed, old = row[9:]
    if read is None and kept is not None and kept.state == (key, newest_us, heard_us):
        read = kept.samples
    known = read is not None
    recent = NO_SAMPLES if read is None else read
    return LinkRow(name, key, state, newest_us, heard_us, packed, old, recent, known)


def _by_link(rows: Sequence[tuple[Any, ...]]) -> dict[int, Samples]:
    """Return the samples in ``rows``, which are newest first and one link after the other."""
    if not rows:
        return {}
    table = np.array(rows[::-1], dtype=float)  # NaN for null
    keys = table[:, 0].astype(np.int64)
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    at_us = np.rint(table[:, 1]).astype(np.int64)
    ends = [*starts[1:].tolist(), len(keys)]
    return {
        key: Samples(at_us[start:end], table[start:end, 2:])
        for key, start, end in zip(keys[starts].tolist(), starts.tolist(), ends, strict=True)
    }
