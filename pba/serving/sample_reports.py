"""From the samples of a request to one report per link, and to receipts: no sample costs others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from operator import attrgetter

import numpy as np

from pba.errors import InvalidInput, InvalidSample, cut
from pba.store import Receipt, RefusedSample, SampleReport
from pba.types import Floats, History, SampleTable, check_link_id

__all__ = ["ClockLimit", "all_refused", "history_of", "receipts_of", "sample_reports"]

_LARGEST_OFFSET_S = 14 * 3600.0  # of a time zone


def sample_reports(table: SampleTable, link_ids: Sequence[str]) -> list[SampleReport]:
    """Return one report per link, in the order of their first samples.

    Samples that break a rule, or whose link has an impossible name, are in ``refused``.

    Parameters
    ----------
    link_ids
        The link of each row of ``table``.
    """
    errors = {name: _name_error(name) for name in dict.fromkeys(link_ids)}
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(link_ids):
        rows.setdefault(name if errors[name] is None else cut(name), []).append(row)
    if any(errors.values()) or table.wrong.any():
        return [_report(table, name, at, link_ids, errors) for name, at in rows.items()]
    return _faultless_reports(table, rows)


class ClockLimit:
    """How far the time of a sample may be ahead of the clock.

    Parameters
    ----------
    now_s
        The clock, Unix seconds.
    max_ahead_s
        The limit.
    """

    def __init__(self, now_s: float, max_ahead_s: float) -> None:
        self._now_s = now_s
        self._max_ahead_s = max_ahead_s

    def first_ahead(self, timestamps_s: Floats) -> int | None:
        """Return the index of the first time that is too far ahead, None if there is none."""
        latest_s = self._now_s + self._max_ahead_s
        if not (timestamps_s.size and timestamps_s.max() > latest_s):
            return None
        return int(np.argmax(timestamps_s > latest_s))

    def applied(self, report: SampleReport) -> SampleReport:
        """Return ``report`` with the samples that are too far ahead among those refused."""
        if self.first_ahead(report.timestamps_s) is None:
            return report
        ahead = report.timestamps_s > self._now_s + self._max_ahead_s
        count = len(report.timestamps_s)
        indices = np.arange(count) if report.indices is None else report.indices
        refused = [
            RefusedSample(index, report.link_id, self.error(time_s, f"samples[{index}].timestamp"))
            for index, time_s in zip(
                indices[ahead].tolist(), report.timestamps_s[ahead].tolist(), strict=True
            )
        ]
        return SampleReport(
            report.link_id,
            report.timestamps_s[~ahead],
            report.telemetry[~ahead],
            indices[~ahead],
            None if report.ignored is None else report.ignored[~ahead],
            tuple(sorted([*report.refused, *refused], key=lambda sample: sample.index)),
            None if report.during_transfer is None else report.during_transfer[~ahead],
        )

    def error(self, timestamp_s: float, field: str) -> InvalidSample:
        """Return the error of a time that is too far ahead."""
        ahead_s = timestamp_s - self._now_s
        zone = (
            "A time without an offset is read as UTC: if it is local time, add the offset. "
            if ahead_s <= _LARGEST_OFFSET_S + self._max_ahead_s
            else ""
        )
        return InvalidSample(
            f"timestamp is {timestamp_s:.3f} s, over {self._max_ahead_s:g} s ahead of the clock "
            f"here. {zone}Set the clocks, or raise PBA_MAX_AHEAD_S.",
            field,
        )


def receipts_of(reports: Sequence[SampleReport], stored: Iterator[Receipt]) -> list[Receipt]:
    """Return the receipt of each report.

    Parameters
    ----------
    stored
        What the store answered, for the reports that have samples, in order.
    """
    receipts = []
    for report in reports:
        receipt = next(stored) if report.timestamps_s.size else Receipt(0, 0, 0, 0, None)
        ignored = 0 if report.ignored is None else int(report.ignored.sum())
        if ignored or report.refused:
            receipt = replace(receipt, ignored=ignored, refused=report.refused)
        receipts.append(receipt)
    return receipts


def history_of(report: SampleReport) -> History:
    """Return the samples of ``report`` in time order; of several at one time the first counts."""
    times_s, rows = np.unique(report.timestamps_s, return_index=True)
    return History.trusted(times_s, report.telemetry[rows])


def all_refused(links: Sequence[Receipt | SampleReport]) -> list[RefusedSample]:
    """Return the refused samples of all receipts, or reports, of a request, in its order."""
    refused = (sample for link in links for sample in link.refused)
    return sorted(refused, key=attrgetter("index"))


def _faultless_reports(table: SampleTable, rows: Mapping[str, Sequence[int]]) -> list[SampleReport]:
    """Return the reports of links that have ``rows`` of the table, none of which breaks a rule."""
    order = np.fromiter(chain.from_iterable(rows.values()), dtype=np.int64)
    times_s, telemetry = table.timestamps_s[order], table.telemetry[order]
    ignored = table.ignored[order] if table.ignored.any() else None
    marks = table.marks(order)
    reports, end = [], 0
    for name, own in rows.items():
        part = slice(end, end := end + len(own))
        reports.append(
            SampleReport(
                name,
                times_s[part],
                telemetry[part],
                order[part],
                None if ignored is None else ignored[part],
                during_transfer=None if marks is None else marks[part],
            )
        )
    return reports


def _report(
    table: SampleTable,
    name: str,
    rows: Sequence[int],
    link_ids: Sequence[str],
    errors: Mapping[str, InvalidInput | None],
) -> SampleReport:
    """Return the report of the link ``name``, which has ``rows`` of the table."""
    kept, refused = [], []
    for row in rows:
        error = errors[link_ids[row]]
        if error is None and table.wrong[row]:
            error = table.error(row)
        if error is None:
            kept.append(row)
        else:
            placed = type(error)(error.message, f"samples[{row}].{error.field}")
            refused.append(RefusedSample(row, name, placed))
    at = np.array(kept, dtype=np.int64)
    return SampleReport(
        name,
        table.timestamps_s[at],
        table.telemetry[at],
        at,
        table.ignored[at],
        tuple(refused),
        table.marks(at),
    )


def _name_error(name: str) -> InvalidInput | None:
    try:
        check_link_id(name)
    except InvalidInput as error:
        return error
    return None
