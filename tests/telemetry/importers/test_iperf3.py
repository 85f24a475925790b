"""iperf3: units, streams, directions, UDP, omitted intervals, streams of events."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.traces import TraceFile, read_trace_file
from tests.telemetry.importers.samples import RATES, iperf3_interval, iperf3_test, write

START_S = 1_772_366_400


def read(folder: Path, *documents: dict[str, Any]) -> TraceFile:
    text = "\n".join(map(json.dumps, documents))
    return read_trace_file(write(folder / "run.json", text))


def intervals() -> list[dict[str, Any]]:
    return [iperf3_interval(index, rate) for index, rate in enumerate(RATES)]


def test_a_tcp_test_has_rates_in_mbps_and_times_of_day(tmp_path: Path):
    (trace,) = read(tmp_path, iperf3_test(intervals())).traces
    assert trace.trace_id == "run"
    assert trace.timestamps_s.tolist() == [START_S + index + 1 for index in range(6)]
    assert trace.telemetry[:, 0].tolist() == RATES
    assert trace.telemetry[3, 1] == pytest.approx(20_003 / 1000), "rtt in µs"
    assert trace.telemetry[3, 3] == pytest.approx(1.5), "rttvar in µs"
    assert np.isnan(trace.telemetry[:, 2]).all(), "TCP measures no loss"


def test_without_a_sum_the_streams_are_added(tmp_path: Path):
    run = iperf3_test(intervals())
    for interval in run["intervals"]:
        del interval["sum"]
        interval["streams"] *= 3
    (trace,) = read(tmp_path, run).traces
    np.testing.assert_allclose(trace.telemetry[:, 0], 3 * np.array(RATES))


def test_tenths_of_seconds_keep_their_times(tmp_path: Path):
    run = iperf3_test(
        [iperf3_interval(0, 80.0, start=i / 10, end=(i + 1) / 10, seconds=0.1) for i in range(9)]
    )
    (trace,) = read(tmp_path, run).traces
    np.testing.assert_allclose(np.diff(trace.timestamps_s), 0.1, atol=1e-6)


@pytest.mark.parametrize("restarts", [True, False])
def test_omitted_intervals_are_left_out_and_the_clock_goes_on(tmp_path: Path, restarts: bool):
    warm = [iperf3_interval(index, 9.0, omitted=True) for index in range(2)]
    first = 0 if restarts else 2
    rest = [iperf3_interval(first + index, rate) for index, rate in enumerate(RATES)]
    file = read(tmp_path, iperf3_test([*warm, *rest]))
    assert file.traces[0].telemetry[:, 0].tolist() == RATES
    assert file.traces[0].timestamps_s[0] == START_S + 3
    assert "-O" in " ".join(file.report.notes)
    assert file.report.count() == 0


def test_a_last_interval_of_milliseconds_is_left_out(tmp_path: Path):
    last = iperf3_interval(6, 4000.0, end=6.004, seconds=0.004)
    file = read(tmp_path, iperf3_test([*intervals(), last]))
    assert len(file.traces[0]) == 6
    assert "shorter than half" in " ".join(file.report.notes)


def udp(**more: Any) -> list[dict[str, Any]]:
    received = {"sender": False, "jitter_ms": 0.75, "lost_packets": 5, "packets": 100,
                "lost_percent": 5.0}  # fmt: skip
    return [iperf3_interval(i, rate, **received | more) for i, rate in enumerate(RATES)]


def test_udp_where_it_is_received_has_loss_and_jitter(tmp_path: Path):
    (trace,) = read(tmp_path, iperf3_test(udp(), protocol="UDP", reverse=1)).traces
    assert trace.telemetry[0, 2:4].tolist() == [0.05, 0.75]


def test_a_loss_of_179_percent_is_missing_and_counted(tmp_path: Path):
    run = iperf3_test(udp(lost_percent=179.65), protocol="UDP", reverse=1)
    file = read(tmp_path, run)
    assert np.isnan(file.traces[0].telemetry[:, 2]).all()
    assert file.report.count(keeps_row=True) == 6


def test_udp_where_it_is_sent_is_only_what_was_offered_and_that_is_noted(tmp_path: Path):
    file = read(tmp_path, iperf3_test(intervals(), protocol="UDP"))
    assert "the rate is the offered one" in " ".join(file.report.notes)


def test_the_servers_output_counts_for_udp_if_the_client_has_it(tmp_path: Path):
    run = iperf3_test([iperf3_interval(index, 100.0) for index in range(6)], protocol="UDP")
    run["server_output_json"] = iperf3_test(udp())
    file = read(tmp_path, run)
    assert file.traces[0].telemetry[:, 0].tolist() == RATES
    assert file.traces[0].telemetry[0, 2] == 0.05
    assert "offered" not in " ".join(file.report.notes)


def test_both_directions_are_two_links(tmp_path: Path):
    run = iperf3_test(intervals(), bidir=1)
    for interval in run["intervals"]:
        interval["sum_bidir_reverse"] = interval["sum"] | {"bits_per_second": 9e6, "sender": False}
    sent, received = read(tmp_path, run).traces
    assert (sent.trace_id, received.trace_id) == ("sent", "received")
    assert received.telemetry[:, 0].tolist() == [9.0] * 6


def test_a_stream_of_events_may_be_cut(tmp_path: Path):
    run = iperf3_test(intervals())
    events = [{"event": "start", "data": run["start"]}]
    events += [{"event": "interval", "data": interval} for interval in run["intervals"]]
    text = "\n".join(map(json.dumps, events))
    file = read_trace_file(write(tmp_path / "run.json", text[:-300]))
    assert file.traces[0].telemetry[:, 0].tolist() == RATES[:-1]
    assert file.report.count() == 1


def test_two_streams_of_events_in_one_file_are_two_tests(tmp_path: Path):
    events = []
    for start_s in (START_S, START_S + 60):
        run = iperf3_test(intervals())
        run["start"]["timestamp"]["timesecs"] = start_s
        events += [{"event": "start", "data": run["start"]}]
        events += [{"event": "interval", "data": interval} for interval in run["intervals"]]
    (trace,) = read(tmp_path, *events).traces
    assert len(trace) == 12
    assert trace.timestamps_s[[0, 6]].tolist() == [START_S + 1, START_S + 61]


def test_several_tests_in_one_file_follow_each_other(tmp_path: Path):
    later = iperf3_test(intervals())
    later["start"]["timestamp"]["timesecs"] += 60
    (trace,) = read(tmp_path, iperf3_test(intervals()), later).traces
    assert len(trace) == 12
    assert trace.timestamps_s[6] == START_S + 61


def test_a_test_that_failed_is_refused_with_its_reason(tmp_path: Path):
    failed = {"start": {"version": "iperf 3.16"}, "intervals": [], "end": {}, "error": "refused"}
    with pytest.raises(InvalidTrace, match="iperf3 reports 'refused'"):
        read(tmp_path, failed)
