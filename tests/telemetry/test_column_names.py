"""Columns of other tools are known by name and unit, and what is unclear is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.column_names import meaning
from pba.telemetry.traces import read_trace_file
from pba.telemetry.units import rate_unit


@pytest.mark.parametrize(
    ("unit", "mbps"),
    [("bps", 1e-6), ("bit/s", 1e-6), ("Kbps", 1e-3), ("kbit/s", 1e-3), ("Mb/s", 1.0), ("Gbps", 1e3),
     ("B/s", 8e-6), ("kB/s", 8e-3), ("MB/s", 8.0), ("MBps", 8.0), ("bytes_per_second", 8e-6),
     ("octets/s", 8e-6), ("mbit", 1.0), ("km/h", None), ("ms", None), ("", None)],
)  # fmt: skip
def test_units_of_rates(unit: str, mbps: float | None):
    assert rate_unit(unit) == mbps


@pytest.mark.parametrize(
    ("name", "field", "factor"),
    [
        ("Bandwidth (Mbps)", "bandwidth_mbps", 1.0),
        ("DL_bitrate [kbps]", None, None),
        ("bits_per_second", "bandwidth_mbps", 1e-6),
        ("Throughput Mbit/s", "throughput_mbps", 1.0),
        ("RTT (us)", "latency_ms", 1e-3),
        ("ping", "latency_ms", 1.0),
        ("loss %", "packet_loss", 0.01),
        ("jitter_s", "jitter_ms", 1000.0),
        ("time_ms", "timestamp", 1e-3),
        ("DateTime", "timestamp", 0.0),
        ("Speed", None, None),
        ("download", None, None),
        ("ping_mbps", None, None),
        ("", None, None),
    ],
)
def test_names_of_columns(name: str, field: str | None, factor: float | None):
    column = meaning(name)
    assert (column.field if column else None) == field
    assert column is None or column.factor == pytest.approx(factor)


def frame() -> pd.DataFrame:
    times = pd.date_range("2026-03-01 12:00", periods=4, freq="s")
    return pd.DataFrame({"bitrate_kbps": [8e4, 9e4, np.nan, 7e4], "rtt_ms": [5, 6, 7, 8]}, times)


def read(path: Path) -> tuple[list[float], list[float], str]:
    file = read_trace_file(path)
    (trace,) = file.traces
    report = "\n".join(file.report.lines())
    return trace.timestamps_s.tolist(), trace.telemetry[:, 0].tolist(), report


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("index", ["nameless", "named", "column", "zoned", "integers"])
def test_a_frame_of_pandas_is_read_as_it_is_written(tmp_path: Path, kind: str, index: str):
    table = frame()
    if index == "named":
        table.index.name = "time"
    if index == "zoned":
        table.index = table.index.tz_localize("Europe/Berlin").tz_convert("Asia/Tokyo")
    if index in ("column", "integers"):
        table = table.reset_index(names="timestamp")
    if index == "integers":
        table["timestamp"] = table["timestamp"].astype("int64")
    path = tmp_path / f"frame.{kind}"
    getattr(table, f"to_{kind}")(path)
    times, rates, report = read(path)
    offset = 3600 if index == "zoned" else 0
    assert times == [1_772_366_400 - offset + at for at in (0, 1, 3)]
    assert rates == [80.0, 90.0, 70.0]
    assert "Column bitrate_kbps is read as bandwidth_mbps, times 0.001" in report
    assert "1 row left out" in report


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize(("name", "factor"), [("time_ms", 1e3), ("ts_us", 1e6), ("time_s", 1.0)])
def test_the_unit_in_the_name_of_times_is_applied_once(
    tmp_path: Path, kind: str, name: str, factor: float
):
    times = [1_772_366_400.0, 1_772_366_401.0]
    table = pd.DataFrame({name: [at * factor for at in times], "bandwidth_mbps": [80.0, 81.0]})
    path = tmp_path / f"frame.{kind}"
    getattr(table, f"to_{kind}")(path, index=False)
    assert read(path)[0] == times


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_unit_in_the_name_of_times_does_not_concern_dates(tmp_path: Path, kind: str):
    table = pd.DataFrame({"time_ms": ["2026-03-01T12:00:00.250Z"], "bandwidth_mbps": [80.0]})
    path = tmp_path / f"frame.{kind}"
    getattr(table, f"to_{kind}")(path, index=False)
    assert read(path)[0] == [1_772_366_400.25]


def test_a_bandwidth_without_a_unit_is_read_as_mbps_and_that_is_noted(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("time,bandwidth\n0,80\n1,81\n")
    assert read(path)[1] == [80.0, 81.0]
    assert "names no unit: it is read as bandwidth_mbps in mbps" in read(path)[2]


def test_without_a_bandwidth_the_throughput_is_the_bandwidth(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("time,throughput_mbps\n0,80\n")
    assert read(path)[1] == [80.0]


def test_pbas_own_names_come_before_others(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(
        "time,timestamp_s,download_mbps,bandwidth_mbps,rtt_ms,latency_ms\n9,0,1,2,3,4\n"
    )
    file = read_trace_file(path)
    assert file.traces[0].timestamps_s.tolist() == [0.0]
    assert file.traces[0].telemetry[0, :2].tolist() == [2.0, 4.0]


def test_two_columns_that_may_be_the_bandwidth_are_refused(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("time,download_mbps,goodput_kbps\n0,1,1\n")
    with pytest.raises(InvalidTrace, match=r"column 2 \(download_mbps\) and column 3 \(goodput"):
        read(path)
