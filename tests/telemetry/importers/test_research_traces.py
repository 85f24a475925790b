"""Traces of research: mahimahi, cooked, sabre, UCC, FCC."""

import json
from pathlib import Path

import numpy as np
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.traces import TraceFile, read_trace_file
from tests.telemetry.importers.samples import RATES, SAMPLES, write


def read(folder: Path, content: str, **options: object) -> TraceFile:
    return read_trace_file(write(folder / "link.log", content), **options)


@pytest.mark.parametrize("step_s", [0.2, 1.0, 2.0])
def test_deliveries_of_mahimahi_are_counted_a_step(tmp_path: Path, step_s: float):
    text = SAMPLES["mahimahi"]()
    (trace,) = read(tmp_path, text, step_s=step_s).traces
    for end, rate in zip(trace.timestamps_s, trace.telemetry[:, 0], strict=True):
        end_ms, step_ms = round(end * 1000), round(step_s * 1000)
        count = sum(end_ms - step_ms <= int(line) < end_ms for line in text.split())
        assert rate == pytest.approx(count * 1500 * 8 / step_s / 1e6)
    assert trace.timestamps_s[-1] == pytest.approx(8.201 // step_s * step_s)


def test_a_second_of_mahimahi_without_a_line_has_no_rate_but_zero(tmp_path: Path):
    (trace,) = read(tmp_path, SAMPLES["mahimahi"]()).traces
    assert trace.telemetry[6, 0] == 0.0
    assert len(trace) == 8


def test_a_trace_of_mahimahi_shorter_than_the_step_is_refused(tmp_path: Path):
    with pytest.raises(InvalidTrace, match="lasts 5 ms, which is 0 steps"):
        read(tmp_path, "1\n2\n3\n4\n5\n")


@pytest.mark.parametrize("blank", [" ", "\t", "   "])
def test_cooked_traces_may_be_apart_by_any_blank(tmp_path: Path, blank: str):
    lines = [f"{0.5 * at}{blank}{rate}" for at, rate in enumerate(RATES)]
    (trace,) = read(tmp_path, "\r\n".join(lines)).traces
    assert trace.timestamps_s.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert trace.telemetry[:, 0].tolist() == RATES


@pytest.mark.parametrize(
    ("step", "rate", "expected_s", "expected_mbps"),
    [(400, 4646.5, 0.4, 4.6465), (0.5, 4646.5, 0.5, 4646.5), (300, 24.5, 300.0, 24.5)],
)
def test_traces_of_oboe_are_in_ms_and_kbits(
    tmp_path: Path, step: float, rate: float, expected_s: float, expected_mbps: float
):
    file = read(tmp_path, "".join(f"{step * (at + 1)} {rate}\n" for at in range(9)))
    assert file.traces[0].timestamps_s[0] == pytest.approx(expected_s)
    assert file.traces[0].telemetry[:, 0].tolist() == pytest.approx([expected_mbps] * 9)
    assert ("kbit/s" in file.report.notes[0]) == (expected_mbps == 4.6465)


def test_a_line_of_a_cooked_trace_that_is_cut_is_counted(tmp_path: Path):
    lines = [f"{at} 80" for at in range(60)]
    file = read(tmp_path, "\n".join([*lines, "60"]))
    assert (len(file.traces[0]), file.report.count()) == (60, 1)


def test_durations_of_sabre_become_times(tmp_path: Path):
    periods = [{"duration_ms": 148, "bandwidth_kbps": 3133, "latency_ms": 20},
               {"duration_ms": 1000, "bandwidth_kbps": 18052, "latency_ms": 21}]  # fmt: skip
    (trace,) = read(tmp_path, json.dumps(periods)).traces
    assert trace.timestamps_s.tolist() == pytest.approx([0.148, 1.148])
    assert trace.telemetry[:, :2].tolist() == [[3.133, 20.0], [18.052, 21.0]]


def test_rows_of_one_second_of_ucc_are_averaged_over_what_was_measured(tmp_path: Path):
    (trace,) = read(tmp_path, SAMPLES["ucc"]()).traces
    assert len(trace) == 6
    assert trace.timestamps_s[0] == 1_574_331_617.0
    assert trace.telemetry[0, 1:4].tolist() == [60.0, 0.1, 4.0]


def test_a_bad_stamp_of_ucc_costs_its_row(tmp_path: Path):
    file = read(tmp_path, SAMPLES["ucc"]().replace("2019.11.21_10.20.19", "yesterday", 1))
    assert "Timestamp is 'yesterday'" in file.report.lines()[0]
    assert len(file.traces[0]) == 6, "the other row of that second is kept"


def test_units_of_the_fcc_are_links_and_failed_tests_are_counted(tmp_path: Path):
    file = read(tmp_path, SAMPLES["fcc"]())
    assert [trace.trace_id for trace in file.traces] == ["1001", "2002"]
    assert [len(trace) for trace in file.traces] == [6, 6]
    assert np.diff(file.traces[1].timestamps_s).tolist() == [3600.0] * 5
    assert file.report.count() == 2
    assert "the test is a failure in row 7 (line 8)" in file.report.lines()[0]
