"""Small files as each tool writes them, made up; the addresses in them are for documentation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = [
    "ADDRESS",
    "SAMPLES",
    "iperf3_interval",
    "iperf3_test",
    "ndt7_document",
    "ookla_result",
    "prometheus_document",
    "write",
]

ADDRESS = "198.51.100.77"
"""The subscriber's address in the samples; no reader may keep it."""
RESULT_URL = "https://www.speedtest.net/result/c/secret"
RATES = [80.0, 82.5, 84.0, 79.25, 81.0, 83.0]
"""Mbps, in every sample of rates."""


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def iperf3_interval(index: int, mbps: float, **more: Any) -> dict[str, Any]:
    """Return an interval of one second with one stream."""
    total = {"start": index, "end": index + 1, "seconds": 1.0, "bytes": int(mbps * 125_000),
             "bits_per_second": mbps * 1e6, "omitted": False, "sender": True}  # fmt: skip
    stream = total | {"socket": 5, "rtt": 20_000 + index, "rttvar": 1_500}
    return {"streams": [stream], "sum": total | more}


def iperf3_test(intervals: list[dict[str, Any]], **start: Any) -> dict[str, Any]:
    test_start = {"protocol": "TCP", "num_streams": 1, "reverse": 0} | start
    return {
        "start": {
            "connected": [{"socket": 5, "local_host": ADDRESS, "remote_host": "192.0.2.1"}],
            "version": "iperf 3.16",
            "timestamp": {"time": "Sun, 01 Mar 2026 12:00:00 GMT", "timesecs": 1_772_366_400},
            "test_start": test_start,
        },
        "intervals": intervals,
        "end": {"sum_sent": {}, "sum_received": {}},
    }


def _iperf3_stream() -> str:
    test = iperf3_test([iperf3_interval(i, rate) for i, rate in enumerate(RATES)])
    events = [("start", test["start"]), *(("interval", one) for one in test["intervals"])]
    return "".join(json.dumps({"event": name, "data": data}) + "\n" for name, data in events)


def ookla_result(hour: int, mbps: float, **more: Any) -> dict[str, Any]:
    return {
        "type": "result",
        "timestamp": f"2026-03-01T{hour:02d}:00:00Z",
        "ping": {"jitter": 0.5, "latency": 12.25},
        "download": {"bandwidth": int(mbps * 125_000), "bytes": 1, "elapsed": 1},
        "upload": {"bandwidth": int(mbps * 12_500), "bytes": 1, "elapsed": 1},
        "packetLoss": 2.5,
        "interface": {"internalIp": "192.168.1.2", "externalIp": ADDRESS},
        "server": {"id": 1, "host": "test.example", "ip": "192.0.2.1"},
        "result": {"id": "x", "url": RESULT_URL},
    } | more


def _ookla_csv() -> str:
    header = ('timestamp,"server name","server id","idle latency","idle jitter","packet loss",'
              '"download","upload","download bytes","upload bytes","share url"\n')  # fmt: skip
    rows = [
        f'2026-03-01T{hour:02d}:00:00Z,"A, B","1","12.25","0.5","{"N/A" if hour == 1 else 2.5}",'
        f'"{rate * 125_000:.0f}","{rate * 12_500:.0f}","1","1","{RESULT_URL}"\n'
        for hour, rate in enumerate(RATES)
    ]
    return header + "".join(rows)


def _speedtest_rows() -> list[str]:
    return [
        f'10602,"A, Ltd",Gateshead,2026-03-01T{hour:02d}:42:03.020515,50.8,12.25,'
        f"{rate * 1e6:.3f},{rate * 1e5:.3f},,{ADDRESS}\n"
        for hour, rate in enumerate(RATES)
    ]


def _speedtest_csv() -> str:
    header = ("Server ID,Sponsor,Server Name,Timestamp,Distance,Ping,Download,Upload,Share,"
              "IP Address\n")  # fmt: skip
    first, *rest = _speedtest_rows()
    return header + first + "Cannot retrieve speedtest configuration\n" * 2 + "".join(rest)


def _speedtest_json() -> str:
    return "".join(
        json.dumps(
            {"download": rate * 1e6, "upload": rate * 1e5, "ping": 12.25, "server": {"id": "1"},
             "timestamp": f"2026-03-01T{hour:02d}:42:03.020515Z", "bytes_sent": 1,
             "bytes_received": 1, "share": RESULT_URL, "client": {"ip": ADDRESS}}
        ) + "\n"
        for hour, rate in enumerate(RATES)
    )  # fmt: skip


def ndt7_document(direction: str = "Download", **first: Any) -> dict[str, Any]:
    """Return a result with a measurement every 100 ms; ``first`` changes the first of them."""
    count = {"Download": "BytesAcked", "Upload": "BytesReceived"}[direction]
    measured, total = [], 0.0
    for index, rate in enumerate(RATES):
        total += rate * 12_500
        info = {count: int(total), "RTT": 21_000, "RTTVar": 900, "AppLimited": 0,
                "ElapsedTime": 100_000 * (index + 1)}  # fmt: skip
        measured.append({"TCPInfo": info | (first if index == 0 else {})})
    return {
        "ServerIP": "192.0.2.1",
        "ClientIP": ADDRESS,
        "StartTime": "2026-03-01T12:00:00Z",
        direction: {"StartTime": "2026-03-01T12:00:00Z", "ServerMeasurements": measured},
    }


def _mahimahi() -> str:
    """Return packets of 1500 bytes for `RATES`, one second each, and none in a seventh."""
    lines = [
        str(second * 1000 + int(packet * 1000 / (rate * 1e6 / 12_000)))
        for second, rate in enumerate(RATES)
        for packet in range(int(rate * 1e6 / 12_000))
    ]
    return "\n".join([*lines, "7999", "8200"]) + "\n"


def prometheus_document(metric: dict[str, str], values: list[str]) -> dict[str, Any]:
    pairs = [[1_772_366_400 + 15 * index, value] for index, value in enumerate(values)]
    result = [{"metric": metric, "values": pairs}]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _prometheus() -> str:
    totals, total = [], 1e9
    for rate in [0.0, *RATES]:
        total += rate * 1e6 / 8 * 15
        totals.append(f"{total:.0f}")
    metric = {"__name__": "node_network_receive_bytes_total", "device": "eth0", "job": "node",
              "instance": "a:9100"}  # fmt: skip
    return json.dumps(prometheus_document(metric, totals))


def _sadf() -> str:
    header = "# hostname;interval;timestamp;IFACE;rxpck/s;txpck/s;rxkB/s;txkB/s;%ifutil\n"
    rows = "".join(
        f"host;60;2026-03-01 12:{minute:02d}:01 UTC;{name};9;9;{rate * 1e6 / 8 / 1024:.6f};0.00;0\n"
        for minute, rate in enumerate(RATES)
        for name in ("lo", "eth0")
    )
    return header + "host;-1;2026-03-01 11:59:59 UTC;LINUX-RESTART\t(4 CPU)\n" + rows


def _sar() -> str:
    title = "Linux 6.1.0-9-amd64 (host) \t03/01/2026 \t_x86_64_\t(4 CPU)\n\n"
    header = "11:57:01 PM     IFACE   rxpck/s   txpck/s    rxkB/s    txkB/s\n"
    clocks = ["11:58:01 PM", "11:59:01 PM", "12:00:01 AM", "12:01:01 AM", "12:02:01 AM",
              "12:03:01 AM"]  # fmt: skip
    rows = "".join(
        f"{clock}      eth0      9.00      9.00  {rate * 1e6 / 8 / 1024:.6f}      0.00\n"
        for clock, rate in zip(clocks, RATES, strict=True)
    )
    return title + header + rows + "Average:        eth0      9.00      9.00      1.00      0.00\n"


def _telegraf() -> str:
    lines, total = [], 5e9
    for index, rate in enumerate([0.0, *RATES]):
        total += rate * 1e6 / 8 * 10
        at = 1_772_366_400 + 10 * index
        lines.append(
            f"net,host=my\\ host,interface=eth0 bytes_recv={total:.0f}i,bytes_sent=7i,"
            f'note="a b, c=d" {at}000000000\n'
        )
    return "# from a file output\n" + "".join(lines)


def _mrtg() -> str:
    newest = 1_772_366_400 + 300 * (len(RATES) - 1)
    rows = [
        f"{newest - 300 * age} {rate * 125_000:.0f} 1000 {rate * 150_000:.0f} 2000\n"
        for age, rate in enumerate(reversed(RATES))
    ]
    coarse = [f"{1_772_366_400 - 1800 * age} 9 9 9 9\n" for age in (1, 2, 3)]
    return f"{newest} 123456789 987654\n" + "".join(rows) + "".join(coarse)


def _snmp() -> str:
    lines, total = ["time;ifName;ifHCInOctets;ifHCOutOctets"], 2e12
    for index, rate in enumerate([0.0, *RATES]):
        total += rate * 1e6 / 8 * 60
        lines.append(f"2026-03-01T12:{index:02d}:00Z;ge-0/0/1;{total:.0f};{index}")
    return "\n".join(lines) + "\n"


def _ucc() -> str:
    header = ("Timestamp,Longitude,Latitude,Speed,Operatorname,CellID,NetworkMode,RSRP,RSRQ,SNR,"
              "CQI,RSSI,DL_bitrate,UL_bitrate,State,PINGAVG,PINGMIN,PINGMAX,PINGSTDEV,"
              "PINGLOSS\n")  # fmt: skip
    rows = [
        f"2019.11.21_10.20.{17 + second},-8.4,51.8,33,B,12,5G,-100,-10,8.0,9,-,{kbps:.0f},40,D,"
        f"{ping}\n"
        for second, rate in enumerate(RATES)
        for kbps, ping in ((rate * 900, "60.0,50,70,4.0,10"), (rate * 1100, "-,-,-,-,-"))
    ]
    return header + "".join(rows)


def _fcc() -> str:
    header = ("unit_id,dtime,target,address,fetch_time,bytes_total,bytes_sec,bytes_sec_interval,"
              "warmup_time,warmup_bytes,sequence,threads,successes,failures,"
              "location_id\n")  # fmt: skip
    rows = [
        f"{unit},2026-03-01 {hour:02d}:00:12,test.example,192.0.2.9,1,1,{rate * 125_000:.0f},0,0,0,"
        f"0,3,{0 if failed else 1},{1 if failed else 0},7\n"
        for unit in (1001, 2002)
        for hour, rate, failed in [*((h, r, False) for h, r in enumerate(RATES)), (9, 0.0, True)]
    ]
    return header + "".join(rows)


def _pandas_csv() -> str:
    rows = [f"2026-03-01 12:00:{at:02d},{rate * 1000},20\n" for at, rate in enumerate(RATES)]
    return ",bitrate_kbps,rtt_ms\n" + "".join(rows)


SAMPLES: dict[str, Callable[[], str]] = {
    "iperf3": _iperf3_stream,
    "ookla-json": lambda: "\n".join(
        json.dumps(ookla_result(hour, rate)) for hour, rate in enumerate(RATES)
    ),
    "ookla-csv": _ookla_csv,
    "speedtest-cli-csv": _speedtest_csv,
    "speedtest-cli-json": _speedtest_json,
    "ndt7": lambda: json.dumps(ndt7_document()),
    "mahimahi": _mahimahi,
    "cooked": lambda: "".join(f"{at}\t{rate}\r\n" for at, rate in enumerate(RATES)),
    "sabre": lambda: json.dumps(
        [{"duration_ms": 1000, "bandwidth_kbps": r * 1000, "latency_ms": 20} for r in RATES]
    ),
    "prometheus": _prometheus,
    "sadf": _sadf,
    "sar": _sar,
    "telegraf": _telegraf,
    "mrtg": _mrtg,
    "snmp": _snmp,
    "ucc": _ucc,
    "fcc": _fcc,
    "table": _pandas_csv,
}
"""Format → its sample; the first link of each has the rates `RATES`."""
