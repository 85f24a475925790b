"""Formats with counters or rates of interfaces: Prometheus, Telegraf, SNMP, MRTG, sar, sadf."""

import json
from pathlib import Path

import numpy as np
import pytest

from pba.errors import InvalidTrace
from pba.telemetry.traces import TraceFile, read_trace_file
from tests.telemetry.importers.samples import RATES, SAMPLES, prometheus_document, write

START_S = 1_772_366_400


def read(folder: Path, content: str, **options: object) -> TraceFile:
    return read_trace_file(write(folder / "links.log", content), **options)


def prometheus(metric: dict[str, str], *values: str) -> str:
    return json.dumps(prometheus_document(metric, list(values)))


def test_a_counter_of_prometheus_is_differenced_and_named_by_its_labels(tmp_path: Path):
    (trace,) = read(tmp_path, SAMPLES["prometheus"]()).traces
    assert trace.trace_id == "eth0:a:9100"
    assert trace.timestamps_s.tolist() == [START_S + 15 * index for index in range(1, 7)]


def test_the_reset_of_a_counter_costs_one_interval_and_makes_no_rate(tmp_path: Path):
    name = {"__name__": "node_network_transmit_bytes_total"}
    file = read(tmp_path, prometheus(name, "9e12", "9.000001875e12", "1875000", "3750000"))
    assert file.traces[0].telemetry[:, 0].tolist() == pytest.approx([1.0, 1.0])
    assert "1 resets" in " ".join(file.report.notes)


def test_gauges_of_prometheus_are_read_by_the_unit_in_their_name(tmp_path: Path):
    values = ("1250000", "NaN", "+Inf", "2500000")
    in_bytes = read(tmp_path, prometheus({"__name__": "link:receive_bytes:rate5m"}, *values))
    assert in_bytes.traces[0].telemetry[:, 0].tolist() == [10.0, 20.0]
    assert in_bytes.report.count() == 2, "NaN and infinity are no rates"
    in_bits = read(tmp_path, prometheus({"__name__": "interface_bits_per_second"}, "8e6", "9e6"))
    assert in_bits.traces[0].telemetry[:, 0].tolist() == [8.0, 9.0]


def test_a_nameless_result_of_prometheus_needs_a_unit(tmp_path: Path):
    text = prometheus({"instance": "a"}, "1250000", "2500000")
    with pytest.raises(InvalidTrace, match="--unit byte/s"):
        read(tmp_path, text)
    assert read(tmp_path, text, unit="byte/s").traces[0].telemetry[:, 0].tolist() == [10.0, 20.0]
    with pytest.raises(InvalidTrace, match="unit is 'apples'"):
        read(tmp_path, text, unit="apples")


def test_each_series_of_prometheus_is_a_link_and_others_are_counted(tmp_path: Path):
    documents = [
        prometheus_document({"__name__": name, "device": "eth0"}, ["0", "15", "30"])
        for name in ("receive_bytes_total", "transmit_bytes_total", "node_load1")
    ]
    for other in documents[1:]:
        documents[0]["data"]["result"] += other["data"]["result"]
    file = read(tmp_path, json.dumps(documents[0]))
    names = [trace.trace_id for trace in file.traces]
    assert names == ["eth0:receive_bytes_total", "eth0:transmit_bytes_total"]
    assert "node_load1" in file.report.lines()[0]


def test_counters_of_telegraf_have_a_link_a_direction_with_escapes_undone(tmp_path: Path):
    received, sent = read(tmp_path, SAMPLES["telegraf"]()).traces
    assert received.trace_id == "my host:eth0:bytes_recv"
    assert received.timestamps_s.tolist() == [START_S + 10 * index for index in range(1, 7)]
    assert sent.telemetry[:, 0].tolist() == [0.0] * 6


def test_fields_of_telegraf_are_read_by_the_unit_in_their_name(tmp_path: Path):
    lines = [f"wan,site=a rate_kbps={9000 + at},rtt_us=2500i {START_S + at}000" for at in range(3)]
    (trace,) = read(tmp_path, "\n".join(lines) + "\n").traces
    assert trace.telemetry[:, 0].tolist() == [9.0, 9.001, 9.002]
    assert trace.telemetry[0, 1] == 2.5
    assert trace.timestamps_s[0] == START_S


def test_telegraf_without_a_rate_is_refused(tmp_path: Path):
    with pytest.raises(InvalidTrace, match="no counter of bytes"):
        read(tmp_path, f"cpu,host=a usage_idle=9.5 {START_S}000000000\n")


def test_a_counter_of_32_bits_wraps_without_an_absurd_rate(tmp_path: Path):
    first = 2**32 - 1_000_000
    values = [(first + 750_000 * index) % 2**32 for index in range(6)]
    rows = [f"{START_S + 60 * index},{value}" for index, value in enumerate(values)]
    file = read(tmp_path, "\n".join(["timestamp,ifInOctets", *rows]))
    np.testing.assert_allclose(file.traces[0].telemetry[:, 0], 0.1)
    assert "1 wraps, 0 resets" in " ".join(file.report.notes)


def test_polls_that_are_late_have_their_own_interval(tmp_path: Path):
    clock = [0, 60, 121, 175, 240]
    rows = [f"{START_S + at},{1_250_000 * at}" for at in clock]
    trace = read(tmp_path, "\n".join(["timestamp,ifHCInOctets", *rows])).traces[0]
    np.testing.assert_allclose(trace.telemetry[:, 0], 10.0)


def test_each_interface_and_counter_of_snmp_is_a_link(tmp_path: Path):
    names = [trace.trace_id for trace in read(tmp_path, SAMPLES["snmp"]()).traces]
    assert names == ["ge-0/0/1:ifHCInOctets", "ge-0/0/1:ifHCOutOctets"]


def test_mrtg_is_turned_round_and_its_coarse_rows_are_left_out(tmp_path: Path):
    file = read(tmp_path, SAMPLES["mrtg"]())
    incoming, outgoing = file.traces
    assert np.diff(incoming.timestamps_s).tolist() == [300.0] * 5
    assert outgoing.telemetry[:, 0].tolist() == [0.008] * 6
    assert "3 of 9 means are of longer intervals" in " ".join(file.report.notes)


@pytest.mark.parametrize("name", ["sadf", "sar"])
def test_interfaces_of_sysstat_are_two_links_each_in_kilobytes_of_1024(tmp_path: Path, name: str):
    traces = {trace.trace_id: trace for trace in read(tmp_path, SAMPLES[name]()).traces}
    np.testing.assert_allclose(traces["eth0:received"].telemetry[:, 0], RATES, rtol=1e-6)
    assert traces["eth0:sent"].telemetry[:, 0].tolist() == [0.0] * 6
    assert np.diff(traces["eth0:received"].timestamps_s).tolist() == [60.0] * 5


def test_times_of_sadf_are_utc_as_they_say_and_of_sar_go_past_midnight(tmp_path: Path):
    assert read(tmp_path, SAMPLES["sadf"]()).traces[0].timestamps_s[0] == START_S + 1
    first, *_, last = read(tmp_path, SAMPLES["sar"]()).traces[0].timestamps_s
    assert (first, last) == (1_772_409_481.0, 1_772_409_781.0)


def test_a_cut_last_line_of_sadf_is_counted(tmp_path: Path):
    file = read(tmp_path, SAMPLES["sadf"]().rstrip()[:-20])
    assert file.report.count() == 1
    assert "line 14" in file.report.lines()[0]
