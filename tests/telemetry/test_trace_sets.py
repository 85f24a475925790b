"""The sets of a mode are the trace files of its folder."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pba.errors import InvalidMode, InvalidTrace
from pba.telemetry.traces import Trace, read_sets

REAL = os.environ.get("PBA_TRACES")


def parquet(file: Path, **columns: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file


def test_the_sets_of_a_mode_are_the_files_of_its_folder(tmp_path):
    for name in ("wifi", "cable"):
        parquet(tmp_path / "internet" / f"{name}.parquet", timestamp_s=[0.0], bandwidth_mbps=[1.0])
    rows = read_sets(tmp_path, "Internet")
    assert list(rows) == ["cable", "wifi"]
    assert isinstance(rows["wifi"][0], Trace)


def test_a_set_is_of_any_format_and_what_is_written_about_the_sets_is_none(tmp_path):
    folder = tmp_path / "internet"
    parquet(folder / "wifi.parquet", timestamp_s=[0.0], bandwidth_mbps=[1.0])
    (folder / "cell.down").write_text("\n".join(map(str, range(1001))) + "\n")
    (folder / "README.md").write_text("About these sets.\n")
    rows = read_sets(tmp_path, "internet")
    assert {name: len(rows[name][0]) for name in rows} == {"cell": 1, "wifi": 1}
    (folder / "wifi.csv").write_text("timestamp_s,bandwidth_mbps\n0,80\n")
    with pytest.raises(InvalidTrace, match="holds wifi twice"):
        read_sets(tmp_path, "internet")


def test_a_folder_without_traces_and_a_mode_that_does_not_exist_are_refused(tmp_path):
    with pytest.raises(InvalidTrace, match="holds no trace files"):
        read_sets(tmp_path, "datacenter")
    with pytest.raises(InvalidMode):
        read_sets(tmp_path, "wan")


@pytest.mark.skipif(REAL is None, reason="PBA_TRACES names no folder of real traces")
@pytest.mark.parametrize("mode", ["datacenter", "internet"])
def test_every_row_of_the_real_traces_is_read_or_counted(mode):
    for name, rows in read_sets(str(REAL), mode).items():
        table = pyarrow.parquet.read_table(Path(str(REAL)) / mode / f"{name}.parquet")
        assert sum(len(trace) + trace.dropped for trace in rows) == table.num_rows
        assert sum(trace.dropped for trace in rows) == (31 if name == "lumos5g" else 0)
        measured = np.concatenate([trace.telemetry[:, 1] for trace in rows])
        assert np.isnan(measured).sum() == table["latency_ms"].null_count - (
            31 if name == "lumos5g" else 0
        )
