"""Marks of rows that were measured during a transfer, in files."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.trace_writer import write_traces
from pba.telemetry.traces import read_trace_file, read_traces


def csv(folder: Path, *lines: str) -> Path:
    file = folder / "link.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_marks_are_read_from_text_and_parquet_and_written_again(tmp_path):
    head = "timestamp_s,bandwidth_mbps,during_transfer"
    (trace,) = read_traces(csv(tmp_path, head, "0,10,", "1,11,true", "2,12,0", "2,13,1", "3,14,1"))
    assert trace.marks.tolist() == [False, True, False, True]
    for name in ("again.csv", "again.parquet"):
        write_traces(tmp_path / name, [trace])
        (again,) = read_traces(tmp_path / name, strict=True)
        assert again.history.during_transfer.tolist() == [False, True, False, True]
    marks = {"during_transfer": [None, True]}
    table = pa.table({"timestamp_s": [0.0, 1.0], "bandwidth_mbps": [5.0, 5.0], **marks})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    (trace,) = read_traces(tmp_path / "a.parquet")
    assert trace.marks.tolist() == [False, True]


def test_traces_have_their_own_marks(tmp_path):
    head = "trace_id,timestamp_s,bandwidth_mbps,during_transfer"
    first, second = read_traces(csv(tmp_path, head, "a,0,10,yes", "b,0,11,no", "a,1,12,no"))
    assert (first.marks.tolist(), second.marks.tolist()) == ([True, False], [False])


def test_a_mark_that_is_neither_true_nor_false_is_not_set_and_counted(tmp_path):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps,during_transfer", "0,10,maybe", "1,11,false")
    assert "during_transfer" in "\n".join(read_trace_file(file).report.lines())
    (trace,) = read_traces(file)
    assert trace.during_transfer is None
    with pytest.raises(InvalidTrace, match="it is true or false"):
        read_traces(file, strict=True)
