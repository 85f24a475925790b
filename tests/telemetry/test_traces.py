"""Trace files are read unchanged, or refused with the wrong row."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pba.errors import InvalidMode, InvalidTrace
from pba.telemetry import traces
from pba.telemetry.traces import Trace, read_sets, read_traces

REAL = os.environ.get("PBA_TRACES")


def csv(folder: Path, *lines: str) -> Path:
    file = folder / "link.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def parquet(file: Path, **columns: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file


def refusal_message(file: Path) -> str:
    with pytest.raises(InvalidTrace) as caught:
        read_traces(file)
    return str(caught.value)


def test_the_public_names_are_those_listed():
    assert set(traces.__all__) == {"Trace", "read_sets", "read_traces"}


def test_the_smallest_file_has_a_time_and_a_bandwidth(tmp_path):
    (trace,) = read_traces(csv(tmp_path, "timestamp_s,bandwidth_mbps", "0,10.5", "1,11"))
    assert (trace.trace_id, trace.split, trace.dropped, len(trace)) == ("link", "", 0, 2)
    assert trace.timestamps_s.tolist() == [0.0, 1.0]
    assert trace.telemetry[:, 0].tolist() == [10.5, 11.0]
    assert np.isnan(trace.telemetry[:, 1:]).all()


def test_columns_are_read_by_name_and_unknown_ones_ignored(tmp_path):
    (trace,) = read_traces(
        csv(
            tmp_path,
            "retransmits,throughput_mbps,jitter_ms,packet_loss,latency_ms,bandwidth_mbps,timestamp_s",
            "many,5,4,0.3,2,1,0",
        )
    )
    assert trace.telemetry.tolist() == [[1.0, 2.0, 0.3, 4.0, 5.0]]


@pytest.mark.parametrize("written", ["", "NaN", "null", "NA"])
def test_missing_values_stay_missing(tmp_path, written):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps,latency_ms", f"0,1,{written}", "1,1,0")
    (trace,) = read_traces(file)
    assert np.isnan(trace.telemetry[0, 1])
    assert trace.telemetry[1, 1] == 0.0


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T13:00:00+01:00",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00:00",
        "1772366400",
        "1772366400.0",
    ],
)
def test_a_timestamp_is_rfc_3339_or_unix_seconds_and_utc_where_it_names_no_zone(tmp_path, written):
    (trace,) = read_traces(csv(tmp_path, "timestamp,bandwidth_mbps", f"{written},1"))
    assert trace.timestamps_s.tolist() == [1_772_366_400.0]


@pytest.mark.parametrize("zone", [None, "UTC", "+02:00"])
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_parquet_timestamps_of_any_unit_and_zone_are_read(tmp_path, unit, zone):
    moment = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    column = pa.array([moment], pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, zone))
    (trace,) = read_traces(parquet(tmp_path / "a.parquet", timestamp=column, bandwidth_mbps=[1.0]))
    assert trace.timestamps_s.tolist() == [1_772_366_400.0]


def test_parquet_columns_may_be_integers_and_dictionaries(tmp_path):
    file = parquet(
        tmp_path / "a.parquet",
        timestamp_s=pa.array([5, 6], pa.int32()),
        bandwidth_mbps=pa.array([1.5, 2.5], pa.float32()),
        trace_id=pa.array(["x", "x"]).dictionary_encode(),
    )
    (trace,) = read_traces(file)
    assert (trace.trace_id, trace.timestamps_s.tolist()) == ("x", [5.0, 6.0])
    assert trace.telemetry.dtype == np.float64


def test_traces_may_be_interleaved_and_come_in_the_order_of_their_first_rows(tmp_path):
    rows = read_traces(
        csv(
            tmp_path,
            "trace_id,split,timestamp_s,bandwidth_mbps",
            "b,train,0,1",
            "a,val,0,2",
            "b,train,1,3",
            "a,val,0.5,4",
            "c,test,9,5",
        )
    )
    assert [(trace.trace_id, trace.split) for trace in rows] == [
        *(("b", "train"), ("a", "val"), ("c", "test"))
    ]
    assert [trace.telemetry[:, 0].tolist() for trace in rows] == [[1, 3], [2, 4], [5]]


def test_a_row_without_bandwidth_is_left_out_and_counted_and_leaves_a_gap(tmp_path):
    (trace,) = read_traces(csv(tmp_path, "timestamp_s,bandwidth_mbps", "0,1", "1,", "2,NaN", "3,4"))
    assert (trace.dropped, trace.timestamps_s.tolist()) == (2, [0.0, 3.0])


def test_of_two_rows_at_one_time_the_first_is_kept_and_the_other_counted(tmp_path):
    (trace,) = read_traces(csv(tmp_path, "timestamp_s,bandwidth_mbps", "0,1", "1,2", "1,3", "2,4"))
    assert (trace.dropped, trace.telemetry[:, 0].tolist()) == (1, [1.0, 2.0, 4.0])


def test_a_row_without_bandwidth_does_not_hide_a_later_one_at_the_same_time(tmp_path):
    (trace,) = read_traces(csv(tmp_path, "timestamp_s,bandwidth_mbps", "0,1", "1,", "1,3"))
    assert (trace.dropped, trace.telemetry[:, 0].tolist()) == (1, [1.0, 3.0])


def test_time_that_runs_backwards_is_refused_with_the_rows_of_the_file(tmp_path):
    message = refusal_message(
        csv(
            tmp_path,
            "trace_id,timestamp_s,bandwidth_mbps",
            "a,0,1",
            "b,7,1",
            "a,5,1",
            "b,8,1",
            "a,4,1",
        )
    )
    assert "trace 'a': row 3 is at 5.000000 s, row 5 at 4.000000 s" in message
    assert "Sort" in message


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("2,1,1.7", "row 4: packet_loss is 1.7"),
        ("2,-3,0", "row 4: bandwidth_mbps is -3"),
        ("2,inf,0", "row 4: bandwidth_mbps is inf"),
        ("1772366400000,1,0", "row 4: timestamp is 1772366400000.000000"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_row_even_behind_a_dropped_one(
    tmp_path, line, wrong
):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps,packet_loss", "0,1,0", "1,1,0", "1,1,0", line)
    assert wrong in refusal_message(file)


def test_a_row_without_a_time_is_refused(tmp_path):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps", "0,1", ",1", "2,1")
    assert "row 2 at nan s" in refusal_message(file)
    assert "timestamp is nan" in refusal_message(
        csv(tmp_path, "timestamp_s,bandwidth_mbps", "NaN,1")
    )


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["timestamp_s,latency_ms", "0,1"], "no column bandwidth_mbps"),
        (["time,bandwidth_mbps", "0,1"], "no column timestamp_s or timestamp"),
        (["timestamp_s,bandwidth_mbps"], "0 rows"),
        ([""], "cannot be read"),
        (["timestamp_s,bandwidth_mbps", "0,fast"], "cannot be read.*fast"),
        (["timestamp,bandwidth_mbps", "0,1", "noon,1"], "row 1: timestamp is '0'"),
        (["timestamp,bandwidth_mbps", "2026-03-01T12:00:00Z,1", ",1"], "row 2: timestamp is None"),
        (["timestamp_s,bandwidth_mbps", "0,", "1,"], "no row has a bandwidth_mbps"),
        (["split,timestamp_s,bandwidth_mbps", "train,0,1", "test,1,1"], "split is test and train"),
        (["split,timestamp_s,bandwidth_mbps", "dev,0,1"], "split is dev"),
    ],
)
def test_a_file_that_is_no_trace_is_refused_with_what_is_wrong(tmp_path, lines, wrong):
    with pytest.raises(InvalidTrace, match=wrong) as caught:
        read_traces(csv(tmp_path, *lines))
    assert "link.csv" in str(caught.value)


def test_a_column_of_another_type_is_refused(tmp_path):
    file = parquet(tmp_path / "a.parquet", timestamp_s=[0.0], bandwidth_mbps=[[1.0, 2.0]])
    assert "bandwidth_mbps is of type list" in refusal_message(file)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("trace.json", "neither"), ("none.csv", "is not there"), ("folder.parquet", "is not there")],
)
def test_a_path_that_is_no_trace_file_is_refused(tmp_path, name, wrong):
    (tmp_path / "folder.parquet").mkdir()
    assert wrong in refusal_message(tmp_path / name)


def test_a_parquet_file_of_garbage_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"not parquet at all")
    assert "cannot be read" in refusal_message(tmp_path / "a.parquet")


def test_the_sets_of_a_mode_are_the_files_of_its_folder(tmp_path):
    for name in ("wifi", "cable"):
        parquet(tmp_path / "internet" / f"{name}.parquet", timestamp_s=[0.0], bandwidth_mbps=[1.0])
    rows = read_sets(tmp_path, "Internet")
    assert list(rows) == ["cable", "wifi"]
    assert isinstance(rows["wifi"][0], Trace)


def test_a_folder_without_traces_and_a_mode_that_does_not_exist_are_refused(tmp_path):
    with pytest.raises(InvalidTrace, match="holds no"):
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
