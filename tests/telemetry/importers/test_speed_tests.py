"""Ookla, speedtest-cli, NDT7: units, failed tests, directions."""

import json
from pathlib import Path

import numpy as np
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.traces import TraceFile, read_trace_file
from tests.telemetry.importers.samples import RATES, SAMPLES, ndt7_document, ookla_result, write


def read(folder: Path, content: str, **options: object) -> TraceFile:
    return read_trace_file(write(folder / "tests.log", content), **options)


def test_bytes_per_second_and_percent_of_ookla_are_converted_for_both_directions(tmp_path: Path):
    down, up = read(tmp_path, SAMPLES["ookla-json"]()).traces
    assert (down.trace_id, up.trace_id) == ("download", "upload")
    bandwidth = ookla_result(0, RATES[0])["download"]["bandwidth"]
    assert down.telemetry[0, :4].tolist() == [bandwidth * 8 / 1_000_000, 12.25, 0.025, 0.5]
    np.testing.assert_allclose(up.telemetry[:, 0], np.array(RATES) / 10, rtol=1e-5)
    assert down.timestamps_s[1] - down.timestamps_s[0] == 3600.0


def test_a_loss_that_ookla_could_not_measure_is_missing(tmp_path: Path):
    result = ookla_result(1, 80.0)
    del result["packetLoss"]
    trace = read(tmp_path, json.dumps([ookla_result(0, 80.0), result])).traces[0]
    assert trace.telemetry[0, 2] == 0.025
    assert np.isnan(trace.telemetry[1, 2])
    trace = read(tmp_path, SAMPLES["ookla-csv"]()).traces[0]
    assert np.isnan(trace.telemetry[1, 2])
    assert trace.telemetry[2, 2] == 0.025


def test_a_failed_test_of_ookla_is_counted_and_progress_is_not(tmp_path: Path):
    failed = {"type": "log", "timestamp": "2026-03-01T01:00:00Z", "message": "No servers",
              "level": "error"}  # fmt: skip
    progress = {"type": "ping", "timestamp": "2026-03-01T00:00:00Z", "ping": {"latency": 1}}
    lines = [progress, ookla_result(0, 80.0), failed, ookla_result(2, 90.0)]
    file = read(tmp_path, "\n".join(map(json.dumps, lines)))
    assert len(file.traces[0]) == 2
    assert file.report.count() == 1
    assert "the test is 'No servers' in line 3" in file.report.lines()[0]


def test_a_result_without_a_time_is_counted(tmp_path: Path):
    late = {key: value for key, value in ookla_result(1, 80.0).items() if key != "timestamp"}
    file = read(tmp_path, json.dumps([ookla_result(0, 80.0), late]))
    assert [len(trace) for trace in file.traces] == [1, 1]
    assert "2 rows left out: timestamp is missing in sample 2" in file.report.lines()[0]


def test_a_csv_of_ookla_without_times_is_refused_with_the_remedy(tmp_path: Path):
    rows = SAMPLES["ookla-csv"]().splitlines()
    without = "\n".join(row.partition(",")[2] for row in rows)
    with pytest.raises(InvalidTrace, match="no column of times.*--format=json"):
        read(tmp_path, without)


def test_error_sentences_between_the_rows_of_speedtest_cli_are_counted(tmp_path: Path):
    file = read(tmp_path, SAMPLES["speedtest-cli-csv"]())
    down, up = file.traces
    assert (len(down), len(up), file.report.count()) == (6, 6, 2)
    assert "'Cannot retrieve speedtest configuration' in line 3" in file.report.lines()[0]
    assert down.timestamps_s[0] == 1_772_325_723.020515
    np.testing.assert_allclose(down.telemetry[:, 1], 12.25)
    with pytest.raises(InvalidTrace, match="line 3: the row is 'Cannot retrieve"):
        read(tmp_path, SAMPLES["speedtest-cli-csv"](), strict=True)


def test_rows_of_speedtest_cli_need_no_header(tmp_path: Path):
    lines = SAMPLES["speedtest-cli-csv"]().splitlines(keepends=True)
    rows = "".join(line for line in lines[1:] if not line.startswith("Cannot"))
    np.testing.assert_allclose(read(tmp_path, rows).traces[0].telemetry[:, 0], RATES, rtol=1e-6)
    with pytest.raises(InvalidTrace, match=r"row 1 \(line 1\): bandwidth_mbps is -1e-06"):
        read(tmp_path, rows.replace("80000000.000", "-1", 1), strict=True)


def test_a_test_of_speedtest_cli_that_failed_has_no_rate(tmp_path: Path):
    document = json.loads(SAMPLES["speedtest-cli-json"]().splitlines()[0])
    failed = document | {"download": 0.0, "timestamp": "2026-03-01T09:00:00Z"}
    file = read(tmp_path, "\n".join(map(json.dumps, [document, failed])))
    assert [len(trace) for trace in file.traces] == [1, 2]


@pytest.mark.parametrize("direction", ["Download", "Upload"])
def test_cumulative_bytes_of_ndt7_are_differenced(tmp_path: Path, direction: str):
    document = ndt7_document(direction)
    (trace,) = read(tmp_path, json.dumps(document)).traces
    measured = document[direction]["ServerMeasurements"]
    key = "BytesAcked" if direction == "Download" else "BytesReceived"
    last_bytes = last_us = 0
    for row, entry in enumerate(measured):
        info = entry["TCPInfo"]
        bits, micros = 8 * (info[key] - last_bytes), info["ElapsedTime"] - last_us
        assert trace.telemetry[row, 0] == pytest.approx(bits / micros)
        assert trace.timestamps_s[row] == pytest.approx(1_772_366_400 + info["ElapsedTime"] / 1e6)
        last_bytes, last_us = info[key], info["ElapsedTime"]
    assert trace.trace_id == direction.lower()
    assert trace.telemetry[0, [1, 3]].tolist() == [21.0, 0.9]


def test_measurements_of_ndt7_limited_by_the_sender_are_noted(tmp_path: Path):
    document = ndt7_document(AppLimited=1)
    report = read(tmp_path, json.dumps(document)).report
    assert "In 1 of 6 measurements the sender had too little to send" in report.lines()[-1]


def test_an_ndt7_test_without_measurements_is_refused(tmp_path: Path):
    document = ndt7_document()
    document["Download"]["ServerMeasurements"] = None
    with pytest.raises(InvalidTrace, match="measured nothing"):
        read(tmp_path, json.dumps(document))


def test_a_cut_document_between_others_is_counted_and_alone_refused(tmp_path: Path):
    whole = json.dumps(ookla_result(0, 80.0))
    file = read(tmp_path, f"{whole}\n{whole[:200]}\n{json.dumps(ookla_result(1, 90.0))}\n")
    assert len(file.traces[0]) == 2
    assert "the line is" in file.report.lines()[0]
    with pytest.raises(InvalidTrace, match="no whole JSON document"):
        read(tmp_path, whole[:-40])
