"""Trace files are read, what cannot be used is counted, and the rest refused with the place."""

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from pba.errors import InvalidTrace
from pba.telemetry import traces
from pba.telemetry.traces import read_trace_file, read_traces

REAL = os.environ.get("PBA_TRACES")


def csv(folder: Path, *lines: str) -> Path:
    file = folder / "link.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def parquet(file: Path, **columns: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(columns), file)
    return file


def refusal_message(file: Path, strict: bool = False) -> str:
    with pytest.raises(InvalidTrace) as caught:
        read_traces(file, strict)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def report_of(file: Path) -> str:
    return "\n".join(read_trace_file(file).report.lines())


def test_the_public_names_are_those_listed():
    names = {"Trace", "TraceFile", "read_sets", "read_trace_file", "read_traces"}
    assert set(traces.__all__) == names


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


def test_rows_against_time_are_left_out_with_the_rows_of_the_file_and_strictly_refused(tmp_path):
    file = csv(
        tmp_path,
        "trace_id,timestamp_s,bandwidth_mbps",
        *("a,0,1", "b,7,1", "a,5,1", "b,8,1", "a,4,1", "a,6,1"),
    )
    a, b = read_traces(file)
    assert (a.timestamps_s.tolist(), a.dropped) == ([0.0, 4.0, 6.0], 1)
    assert (b.timestamps_s.tolist(), b.dropped) == ([7.0, 8.0], 0)
    assert "5.000000 s before 4.000000 s in row 3 (line 4)" in report_of(file)
    assert "row 3 (line 4)" in refusal_message(file, strict=True)
    assert "Sort" in refusal_message(file, strict=True)


def test_of_just_two_rows_at_one_time_the_first_is_kept(tmp_path):
    (trace,) = read_traces(csv(tmp_path, "timestamp_s,bandwidth_mbps", "5,1", "5,2"))
    assert trace.telemetry[:, 0].tolist() == [1.0]


@pytest.mark.parametrize("time", ["", "never"])
def test_a_row_with_two_faults_is_counted_once(tmp_path, time):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps", "1,1", f"{time},-2", f"{time},")
    assert read_trace_file(file).report.count() == 2
    assert read_traces(file)[0].dropped == 2


def test_a_null_time_in_parquet_is_counted(tmp_path):
    file = parquet(tmp_path / "a.parquet", timestamp_s=[1.0, None], bandwidth_mbps=[1.0, 2.0])
    assert "timestamp is missing in row 2" in report_of(file)


def test_times_within_a_microsecond_are_one_time(tmp_path):
    lines = ("2026-03-01T12:00:00.123456100Z,1", "2026-03-01T12:00:00.123456200Z,2")
    file = csv(tmp_path, "timestamp,bandwidth_mbps", *lines, "2026-03-01T12:00:01.123456300Z,3")
    (trace,) = read_traces(file)
    assert (trace.telemetry[:, 0].tolist(), trace.dropped) == ([1.0, 3.0], 1)
    assert "one row a time" in report_of(file)


def test_one_time_far_ahead_costs_no_row_but_its_own(tmp_path):
    rows = [f"{1_772_366_400 + at},80" for at in range(10)]
    rows[4] = "2087726404,80"
    file = csv(tmp_path, "timestamp,bandwidth_mbps", *rows)
    (trace,) = read_traces(file)
    assert (len(trace), trace.dropped) == (9, 1)
    assert "2036-02-27T12:00:04Z" in report_of(file)


def test_a_file_with_its_newest_row_first_is_turned_round(tmp_path):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps", "3,30", "2,20", "1,10")
    (trace,) = read_traces(file)
    assert (trace.telemetry[:, 0].tolist(), trace.dropped) == ([10.0, 20.0, 30.0], 0)
    assert "reversed" in report_of(file)


@pytest.mark.parametrize("written", ["1.7", "-0.002", "inf", "179 %"])
def test_an_optional_value_out_of_range_becomes_missing_and_is_counted(tmp_path, written):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps,packet_loss", "0,1,0", f"1,2,{written}")
    (trace,) = read_traces(file)
    assert (len(trace), trace.dropped) == (2, 0)
    assert np.isnan(trace.telemetry[1, 2])
    assert read_trace_file(file).report.count(keeps_row=True) == 1
    assert "1 value ignored: packet_loss is" in report_of(file)
    assert "row 2 (line 3): packet_loss is" in refusal_message(file, strict=True)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("2,-3,0", "bandwidth_mbps is -3 in row 4 (line 5)"),
        ("2,inf,0", "bandwidth_mbps is inf in row 4 (line 5)"),
        ("1772366400000,1,0", "timestamp is 1772366400000.000000 in row 4 (line 5)"),
        ("-2,1,0", "timestamp is -2.000000 in row 4 (line 5)"),
        (",1,0", "timestamp is 'missing' in row 4 (line 5)"),
        ("2,,0", "bandwidth_mbps is missing in row 4 (line 5)"),
    ],
)
def test_a_row_that_cannot_be_used_is_left_out_and_counted(tmp_path, line, wrong):
    lines = ("0,1,0", "1,1,0", "1,1,0", line)
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps,packet_loss", *lines)
    (trace,) = read_traces(file)
    assert trace.timestamps_s.tolist() == [0.0, 1.0]
    assert read_trace_file(file).report.count() == 2
    assert f"1 row left out: {wrong}" in report_of(file)
    assert "link.csv, row" in refusal_message(file, strict=True)


def test_a_file_whose_rates_are_all_in_bits_per_second_is_refused_with_the_remedy(tmp_path):
    lines = [f"{at},80000000" for at in range(70)]
    message = refusal_message(csv(tmp_path, "timestamp_s,bandwidth_mbps", *lines))
    assert "no row that can be used: 70 rows left out: bandwidth_mbps is 8e+07" in message
    assert "Divide bits per second by 1e6" in message


def test_rates_faster_than_any_link_are_read_and_their_unit_is_suspected(tmp_path):
    file = csv(tmp_path, "timestamp_s,bandwidth_mbps", "0,900000", "1,900000")
    assert len(read_traces(file)[0]) == 2
    assert "unit is suspect" in report_of(file)


@pytest.mark.parametrize("count", [1, 2])
def test_one_and_two_rows_are_a_trace(tmp_path, count):
    lines = [f"{at},80" for at in range(count)]
    (trace,) = read_traces(csv(tmp_path, "timestamp_s,bandwidth_mbps", *lines))
    assert len(trace) == count


def test_what_is_left_out_is_logged_where_nobody_reads_a_report(tmp_path, caplog):
    read_traces(csv(tmp_path, "timestamp_s,bandwidth_mbps", "0,1", "1,"))
    assert "1 row left out" in caplog.text


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        (["timestamp_s,latency_ms", "0,1"], "no column bandwidth_mbps"),
        (["hour,bandwidth_mbps", "0,1"], "no column timestamp_s or timestamp"),
        (["timestamp_s,bandwidth_mbps"], "0 rows"),
        ([""], "0 rows"),
        (["some words", "and more"], "cannot be read: it starts with 'some words'"),
        (["timestamp_s,bandwidth_mbps", "0,fast"], "bandwidth_mbps is 'fast' in row 1"),
        (["timestamp,bandwidth_mbps", "noon,1"], "timestamp is 'noon' in row 1"),
        (["timestamp_s,bandwidth_mbps", "0,", "1,"], "bandwidth_mbps is missing in row 1"),
        (["timestamp_s,bandwidth_mbps,bandwidth_mbps", "0,1,1"], "column 2 .* and column 3"),
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


@pytest.mark.parametrize("name", ["none.csv", "folder.parquet"])
def test_a_path_that_is_no_file_is_refused(tmp_path, name):
    (tmp_path / "folder.parquet").mkdir()
    assert "is not there" in refusal_message(tmp_path / name)


def test_the_ending_of_a_file_does_not_matter(tmp_path):
    for name in ("LINK.CSV", "link.log", "link"):
        file = tmp_path / name
        file.write_text("timestamp_s,bandwidth_mbps\n0,80\n")
        assert [trace.trace_id for trace in read_traces(file)] == [Path(name).stem]


def test_a_parquet_file_of_garbage_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 is not all that it takes")
    assert "cannot be read" in refusal_message(tmp_path / "a.parquet")
