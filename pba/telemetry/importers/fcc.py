"""The FCC's Measuring Broadband America, raw: a test a row, a unit a link."""

import numpy as np

from pba.errors import InvalidTrace
from pba.telemetry.delimited import read_table
from pba.telemetry.dialect import Dialect, sniff
from pba.telemetry.importers.grouping import series_of
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport
from pba.telemetry.timestamps import Times
from pba.telemetry.trace_source import TraceSource

__all__ = ["FccImporter"]

_REQUIRED = ("unit_id", "dtime", "bytes_sec")
_FAILED = Fault("the test", "a test has a success", "Nothing is to be done: the test failed.")


class FccImporter:
    """Reads each test of each unit; targets and addresses are not read."""

    name = "fcc"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether the header has the names of units, times and rates."""
        return _dialect(source) is not None

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of each unit; failed tests are counted."""
        dialect = _dialect(source)
        if dialect is None:
            raise InvalidTrace(f"{source.path} lacks one of the columns {', '.join(_REQUIRED)}.")
        report.note("bytes_sec is multiplied by 8e-6; times are UTC, and units are links.")
        index = {name.lower(): number for number, name in enumerate(dialect.names)}
        outcome = [index["successes"]] if "successes" in index else []
        table = read_table(
            source, dialect, report, [index["bytes_sec"], *outcome],
            [index["unit_id"], index["dtime"]],
        )  # fmt: skip
        times = table.times(index["dtime"])
        failed = table.numbers(outcome[0]) == 0 if outcome else np.zeros(len(table), dtype=bool)
        where = [(table.place(row), "a failure") for row in np.flatnonzero(failed).tolist()]
        report.add(_FAILED, where)
        seconds = np.where(failed, np.nan, times.seconds)
        rate_mbps = table.numbers(index["bytes_sec"]) * 8e-6
        telemetry = columns_of(len(table), bandwidth_mbps=rate_mbps)
        names = table.texts(index["unit_id"])
        return series_of(source.path, names, None, Times(seconds), telemetry, table.place)


def _dialect(source: TraceSource) -> Dialect | None:
    return sniff(source.head, lambda name: name.lower() in _REQUIRED, required=len(_REQUIRED))
