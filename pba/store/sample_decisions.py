"""What to write for reports of samples, decided from what is stored, without a database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pba.store.link_reading import LinkRow
from pba.store.recent_samples import Samples
from pba.store.values import SampleReport
from pba.telemetry.clocks import zone_suspected
from pba.telemetry.link_mode import LinkMode
from pba.telemetry.suspect_units import unit_suspected
from pba.types import Event, NetworkMode

__all__ = [
    "LinkDecision",
    "Values",
    "decide",
    "is_surprising",
    "marks_of",
    "samples_of",
    "spans_of",
    "suspicions",
]

Values = dict[int, list[float]]
"""The values of samples by time, microseconds."""

_DETECTION_SAMPLES = 30  # 10 for the mode; a unit shows in 5 beside those before them
_SEVERAL, _FAST_MBPS = 5, 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class LinkDecision:
    """What is written for one link.

    Parameters
    ----------
    new
        The samples that are probably not stored yet, in the order of time.
    since_us
        Older samples are not stored.
    end_us
        The time of the newest sample, stored or reported.
    mode
        The mode afterwards; None where it stays as it is.
    suspect
        Whether the link's rates are probably in another unit.
    """

    link: LinkRow
    new: Values
    since_us: int
    end_us: int
    mode: LinkMode | None
    suspect: bool

    def last(self, count: int) -> Samples:
        """Return the link's last samples, completed by the new ones."""
        return self.link.recent.completed(self.new, count)

    def update_row(self, now_us: int) -> tuple[Any, ...]:
        """Return the row of `pba.store.sample_statements.UPDATE_LINKS`."""
        mode = self.mode or LinkMode()
        return (
            self.link.name,
            self.end_us,
            now_us,
            self.mode is not None,
            self.link.mode.checked_us,
            mode.mode and mode.mode.value,
            mode.since_us,
            mode.candidate and mode.candidate.value,
            mode.checked_us,
            mode.switches,
        )

    def switch_row(self) -> tuple[Any, ...] | None:
        """Return the row of `pba.store.sample_statements.ADD_SWITCHES`; None for no switch."""
        before, after = self.link.mode.mode, self.mode
        if after is None or before is None or before is after.mode:
            return None
        modes = {"before": before, "after": after.mode}
        event = Event("mode_switch", self.end_us / 1e6, self.link.name, modes)
        return self.link.name, self.end_us, after.switches, event.text


def samples_of(reports: Sequence[SampleReport]) -> list[Values]:
    """Return the samples of each report; of several with one timestamp the first counts."""
    times_s = np.concatenate([report.timestamps_s for report in reports])
    at_us = np.rint(times_s * 1e6).astype(np.int64).tolist()
    telemetry = np.concatenate([report.telemetry for report in reports]).tolist()
    samples, end = [], 0
    for report in reports:
        start, end = end, end + len(report.timestamps_s)
        pairs = zip(at_us[start:end][::-1], telemetry[start:end][::-1], strict=True)
        samples.append(dict(pairs))
    return samples


def marks_of(reports: Sequence[SampleReport]) -> set[tuple[str, int]]:
    """Return link and time of samples marked ``during_transfer``; `samples_of` has their values."""
    if all(report.during_transfer is None for report in reports):
        return set()
    marks: dict[tuple[str, int], bool] = {}
    for report in reversed(reports):  # of several with one timestamp the first counts
        at_us = np.rint(report.timestamps_s * 1e6).astype(np.int64).tolist()[::-1]
        given = report.during_transfer
        values = [False] * len(at_us) if given is None else given.tolist()[::-1]
        keys = ((report.link_id, time_us) for time_us in at_us)
        marks |= dict(zip(keys, values, strict=True))
    return {key for key, marked in marks.items() if marked}


def spans_of(
    reports: Sequence[SampleReport], samples: Sequence[Values]
) -> dict[str, tuple[int, int]]:
    """Return the times of the first and last reported sample of each link, microseconds."""
    spans: dict[str, tuple[int, int]] = {}
    for report, values in zip(reports, samples, strict=True):
        if values:
            first, last = spans.get(report.link_id, (min(values), max(values)))
            spans[report.link_id] = min(first, *values), max(last, *values)
    return spans


def is_surprising(report: SampleReport) -> bool:
    """Return whether all of several rates are as high as a data centre's."""
    rates_mbps = report.telemetry[:, 0]
    return len(rates_mbps) >= _SEVERAL and bool(rates_mbps.min() >= _FAST_MBPS)


def decide(
    link: LinkRow,
    reported: Iterable[Values],
    surprising: bool,
    retention_us: int,
    detect: bool,
) -> LinkDecision:
    """Return what to write for a link.

    Parameters
    ----------
    reported
        The samples of each report of the link; of several with one time the first counts.
    surprising
        Whether a report `is_surprising`.
    retention_us
        Samples older than a link's newest one by more than this are not stored.
    detect
        If modes are not detected, links keep their mode and new ones are ``internet``.
    """
    values = _merged(reported)
    end_us = max(values, default=link.newest_us)
    end_us = max(end_us, link.newest_us)
    since_us = end_us - retention_us
    late = bool(values) and min(values) <= link.newest_us
    stored = set(link.recent.at_us.tolist()) if late else ()
    new = {
        at_us: values[at_us]
        for at_us in sorted(values)
        if at_us >= since_us and at_us not in stored
    }
    due = detect and link.mode.due(end_us)
    mode, suspect = None, False
    if due or (surprising and link.mode.mode is NetworkMode.INTERNET):
        telemetry = link.recent.completed(new).newest(_DETECTION_SAMPLES).telemetry
        suspect = unit_suspected(telemetry[:, 0])
        mode = link.mode.after(telemetry, end_us) if due else None
    if mode is None and link.mode.mode is None:
        mode = replace(link.mode, mode=NetworkMode.INTERNET, since_us=end_us)
    return LinkDecision(link, new, since_us, end_us, mode, suspect)


def suspicions(
    report: SampleReport, kept: Sequence[int], suspect: bool, received_us: int
) -> tuple[str, ...]:
    """Return what may be wrong with a report, ``suspect`` if its link's rates are.

    Parameters
    ----------
    kept
        The times of its samples that are not too old to be stored, microseconds.
    """
    newest_us = max(kept, default=received_us)
    reasons = {
        "unit_suspected": suspect or unit_suspected(report.telemetry[:, 0]),
        "zone_suspected": zone_suspected(newest_us, received_us),
    }
    return tuple(name for name, holds in reasons.items() if holds)


def _merged(reported: Iterable[Values]) -> Mapping[int, list[float]]:
    values: Values = {}
    for part in reported:
        values = part | values
    return values
