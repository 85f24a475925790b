"""Telegraf's line protocol (InfluxDB): counters of interfaces, and fields that are rates."""

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.column_names import meaning
from pba.telemetry.counters import counter_bits
from pba.telemetry.importers.counter_series import counter_measurements
from pba.telemetry.importers.rows import Row, measurements_of
from pba.telemetry.measurements import Measurements
from pba.telemetry.read_report import Fault, ReadReport, shortened
from pba.telemetry.timestamps import seconds_of_numbers
from pba.telemetry.trace_source import TraceSource
from pba.types import COLUMNS

__all__ = ["TelegrafImporter"]

_TEXT = r'"(?:\\.|[^"\\])*"'
_PLAIN = r"(?:\\.|[^\s,=\\])+"
_PAIR = rf"{_PLAIN}=(?:{_TEXT}|{_PLAIN})"
_LINE = re.compile(
    rf"(?P<name>(?:\\.|[^\s,\\])+)(?P<tags>(?:,{_PAIR})*)"
    rf" +(?P<fields>{_PAIR}(?:,{_PAIR})*) +(?P<time>\d{{9,19}})\s*"
)
_ONE_PAIR = re.compile(rf"({_PLAIN})=({_TEXT}|{_PLAIN})")
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)[iu]?")
_ESCAPE = re.compile(r"\\(.)")
_NO_LINE = Fault("the line", "it is measurement,tags fields time", "Remove the line.")
_LOOKED_AT = 20

Point = tuple[str, dict[str, float], float]
"""The link's name, the fields that are numbers, and the time as a number."""


class TelegrafImporter:
    """Reads each set of tags as a link: its counters of bytes, or the fields that name a rate."""

    name = "telegraf"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether the first lines are of the line protocol, with a time."""
        lines = [line for line in source.head.split("\n")[:-1] if _is_line(line)][:_LOOKED_AT]
        return (
            bool(lines)
            and all(_LINE.fullmatch(line) for line in lines[:1])
            and (sum(bool(_LINE.fullmatch(line)) for line in lines) > len(lines) // 2)
        )

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each link; a counter is one link a direction."""
        points = list(_points(source, report))
        times = seconds_of_numbers(np.array([at for _, _, at in points]))
        report.note(f"Times are read as Unix {times.unit or 'seconds'}.")
        counters: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        rates: dict[str, list[Row]] = defaultdict(list)
        for (link, fields, _), at_s in zip(points, times.seconds.tolist(), strict=True):
            for name, value in fields.items():
                if counter_bits(name):
                    counters[link, name].append((at_s, value))
            if "bandwidth_mbps" in (row := _columns(fields, source.unit, report)):
                rates[link].append(Row(at_s, **row))
        series = [
            _counted(link, name, readings, report) for (link, name), readings in counters.items()
        ]
        series += [measurements_of(link, rows) for link, rows in rates.items()]
        if not series:
            raise InvalidTrace(
                f"{source.path} has no counter of bytes, such as bytes_recv, and no rate with a "
                "unit in its name, such as bandwidth_mbps. Choose another measurement."
            )
        return series


def _is_line(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _points(source: TraceSource, report: ReadReport) -> Iterator[Point]:
    for line_number, line in enumerate(source.text.split("\n"), 1):
        match = _LINE.fullmatch(line)
        if match:
            tags = dict(_ONE_PAIR.findall(match["tags"]))
            link = ":".join(_plain(tags[key]) for key in sorted(tags)) or _plain(match["name"])
            yield link, _numbers(match["fields"]), float(match["time"])
        elif _is_line(line):
            report.add(_NO_LINE, [(f"line {line_number}", repr(shortened(line)))])


def _plain(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _numbers(fields: str) -> dict[str, float]:
    """Return the fields that are numbers, without the mark of whole ones."""
    pairs = ((name, _NUMBER.fullmatch(value)) for name, value in _ONE_PAIR.findall(fields))
    return {_plain(name): float(match[1]) for name, match in pairs if match}


def _columns(fields: dict[str, float], unit: str, report: ReadReport) -> dict[str, float]:
    """Return column → value in PBA's unit, from the fields whose names say what they are."""
    row = {}
    for name, value in fields.items():
        column = meaning(name, unit)
        if column is not None and column.field in COLUMNS:
            row[column.field] = value * column.factor
            report.note(f"Field {name} is read as {column.field}, times {column.factor:g}.")
    return row


def _counted(
    link: str, name: str, readings: list[tuple[float, float]], report: ReadReport
) -> Measurements:
    times, octets = np.array(readings).T
    return counter_measurements(
        f"{link}:{name}", name, times, octets, counter_bits(name) or 64, report
    )
