"""The 4G and 5G data sets of University College Cork (G-NetTrack Pro)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pba.errors import InvalidTrace
from pba.telemetry.delimited import read_table
from pba.telemetry.dialect import Dialect, sniff
from pba.telemetry.measurements import Measurements, columns_of
from pba.telemetry.read_report import Fault, ReadReport
from pba.telemetry.timestamps import times_of_texts
from pba.telemetry.trace_source import TraceSource
from pba.types import Floats

__all__ = ["UccImporter"]

_REQUIRED = ("Timestamp", "DL_bitrate", "UL_bitrate", "State")
_OPTIONAL = {"PINGAVG": "latency_ms", "PINGSTDEV": "jitter_ms", "PINGLOSS": "packet_loss"}
_STAMP = Fault("Timestamp", "it is as 2019.11.21_10.20.17", "Remove the row.")


class UccImporter:
    """Reads the downlink; rows of one second are averaged, places are not read."""

    name = "ucc"
    general = False

    def recognises(self, source: TraceSource) -> bool:
        """Return whether the header has the data sets' names."""
        return _dialect(source) is not None

    def read(self, source: TraceSource, report: ReadReport) -> list[Measurements]:
        """Return the measurements of the one link."""
        dialect = _dialect(source)
        if dialect is None:
            raise InvalidTrace(f"{source.path} lacks one of the columns {', '.join(_REQUIRED)}.")
        report.note(
            "DL_bitrate in kbit/s is divided by 1000, PINGLOSS in % by 100; rows of one second are "
            "averaged."
        )
        index = {name: number for number, name in enumerate(dialect.names)}
        rates = {"DL_bitrate": "bandwidth_mbps"} | _OPTIONAL
        numbers = {name: index[name] for name in rates if name in index}
        table = read_table(source, dialect, report, [*numbers.values()], [index["Timestamp"]])
        stamps = pa.chunked_array([pa.array(table.texts(index["Timestamp"]), pa.string())])
        form = r"^(\d{4})\.(\d\d)\.(\d\d)_(\d\d)\.(\d\d)\.(\d\d)$"
        stamps = pc.replace_substring_regex(stamps, form, r"\1-\2-\3 \4:\5:\6")
        times = times_of_texts(stamps)
        wrong = np.flatnonzero(np.isnan(times.seconds)).tolist()
        report.add(_STAMP, [(table.place(row), repr(stamps[row].as_py())) for row in wrong])
        factors = {"DL_bitrate": 1e-3, "PINGLOSS": 1e-2}
        telemetry = columns_of(
            len(table),
            **{
                rates[name]: table.numbers(column) * factors.get(name, 1.0)
                for name, column in numbers.items()
            },
        )
        seconds, means = _means_by_time(times.seconds, telemetry)
        return [Measurements("", seconds, means, local=times.local, times_counted=True)]


def _dialect(source: TraceSource) -> Dialect | None:
    return sniff(source.head, lambda name: name in _REQUIRED, required=len(_REQUIRED))


def _means_by_time(times_s: Floats, telemetry: Floats) -> tuple[Floats, Floats]:
    """Return each time once, and the means of the measured values of rows that share it."""
    starts = np.flatnonzero(np.diff(times_s, prepend=np.nan) != 0)
    measured = ~np.isnan(telemetry)
    total = np.add.reduceat(np.where(measured, telemetry, 0.0), starts, axis=0)
    count = np.add.reduceat(measured.astype(float), starts, axis=0)
    means = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return times_s[starts], means
