"""sysstat's ``sar -n DEV`` as text: rates of each network interface, times of the day."""

import datetime as dt
import re
from collections.abc import Iterator

from pba.errors import InvalidTrace
from pba.telemetry.importers.rows import Row, measurements_of
from pba.telemetry.importers.sadf import RATE_COLUMNS, interface_rows
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import ReadReport
from pba.telemetry.trace_source import TraceSource

__all__ = ["SarImporter"]

_TITLE = re.compile(r"^(?:Linux|[A-Z]\w+) \S+ \(.*\)\s+(?P<date>[\d/.-]{8,10})\b", re.M)
_CLOCK = re.compile(r"^(?P<clock>\d\d:\d\d:\d\d)(?: (?P<half>[AP]M))?\s+(?P<rest>\S.*)$")
_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%d.%m.%Y", "%d/%m/%Y", "%d/%m/%y")
_DAY = dt.timedelta(days=1)


class SarImporter:
    """Reads each interface as two links; the date stands in the title, and the zone nowhere."""

    name = "sar"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether there is a title with a date, and a header with interfaces."""
        return bool(_TITLE.search(source.head)) and bool(
            re.search(r"\bIFACE\b.*\brx(?:kB|byt)/s", source.head)
        )

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each interface and direction."""
        report.note(
            "Kilobytes of 1024 bytes a second are converted to Mbps; times of day are taken as UTC."
        )
        links: dict[str, list[Row]] = {}
        for moment, header, cells in _records(source):
            for link, rate_mbps in interface_rows(header, cells):
                links.setdefault(link, []).append(Row(moment.timestamp(), rate_mbps))
        if not links:
            raise InvalidTrace(
                f"{source.path} holds no rates of interfaces; they come from `sar -n DEV`. Write "
                "it again."
            )
        return [measurements_of(link, rows, local=True) for link, rows in links.items()]


def _records(source: TraceSource) -> Iterator[tuple[dt.datetime, list[str], list[str]]]:
    """Yield the time, the header and the cells of each row; a new day begins at midnight."""
    header: list[str] = []
    day, before = None, dt.timedelta()
    for line in source.text.split("\n"):
        if title := _TITLE.match(line):
            day, before = _date(title["date"], source), dt.timedelta()
        match = _CLOCK.match(line)
        if not match or day is None:
            continue
        cells = match["rest"].split()
        if not cells[0].startswith("IFACE") and len(cells) != len(header):
            continue
        clock = _clock(match["clock"], match["half"])
        day, before = (day + _DAY if clock < before else day), clock
        if cells[0] == "IFACE":
            lower = [cell.lower() for cell in cells]
            header = lower if not RATE_COLUMNS.keys().isdisjoint(lower) else []
        elif header and len(cells) == len(header):
            yield day + clock, header, cells


def _date(text: str, source: TraceSource) -> dt.datetime:
    for form in _DATES:
        try:
            return dt.datetime.strptime(text, form).replace(tzinfo=dt.UTC)
        except ValueError:
            continue
    raise InvalidTrace(
        f"{source.path}: the date is {text!r}; it is as 2026-03-01. Set S_TIME_FORMAT=ISO for sar."
    )


def _clock(text: str, half: str | None) -> dt.timedelta:
    hours, minutes, seconds = map(int, text.split(":"))
    if half:
        hours = hours % 12 + (12 if half == "PM" else 0)
    return dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
