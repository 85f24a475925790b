"""`pba import`: files of other tools become traces, or samples of a service."""

import importlib
import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pba.cli import app, service_options
from pba.client.requests import link_samples_body
from pba.errors import InvalidTrace
from pba.telemetry.traces import read_traces
from pba.types import History
from tests.cli.conftest import Run
from tests.support.in_process import open_in_process
from tests.telemetry.importers.samples import (
    ADDRESS,
    RATES,
    SAMPLES,
    iperf3_interval,
    iperf3_test,
    ookla_result,
    write,
)


def imported(*words: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, words)], catch_exceptions=False)


class Client:
    """Keeps the samples that it is given."""

    samples: dict[str, list[float]]

    def __init__(self, *_: object, **__: object) -> None:
        Client.samples = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def observe(self, link_id: str, samples: History) -> dict[str, Any]:
        Client.samples.setdefault(link_id, []).extend(samples.timestamps_s.tolist())
        return {"accepted": len(samples), "duplicates": 0, "late": 0, "refused": [{}], "mode": "x"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    monkeypatch.setattr(service_options, "PBAClient", Client)
    return Client


def test_files_of_any_format_become_one_file_of_traces(tmp_path: Path):
    files = [write(tmp_path / f"{name}.log", SAMPLES[name]()) for name in ("cooked", "sadf")]
    result = imported(*files, "--to", tmp_path / "all.parquet")
    assert "5 traces are in" in result.stdout
    assert "divided" not in result.stdout, "what was converted is on stderr"
    assert "Kilobytes of 1024 bytes" in result.stderr
    traces = read_traces(tmp_path / "all.parquet")
    names = ["cooked", "lo:received", "lo:sent", "eth0:received", "eth0:sent"]
    assert [trace.trace_id for trace in traces] == names
    assert traces[0].telemetry[:, 0].tolist() == RATES


def test_results_of_one_test_a_file_are_put_together_in_the_order_of_time(tmp_path: Path):
    files = [
        write(tmp_path / f"{hour}.json", json.dumps(ookla_result(hour, 80.0 + hour)))
        for hour in (2, 0, 1)
    ]
    imported(*files, "--to", tmp_path / "line.csv", "--link", "home")
    down, up = read_traces(tmp_path / "line.csv")
    assert (down.trace_id, up.trace_id) == ("home:download", "home:upload")
    np.testing.assert_allclose(down.telemetry[:, 0], [80.0, 81.0, 82.0])
    assert np.diff(down.timestamps_s).tolist() == [3600.0, 3600.0]
    assert ADDRESS not in (tmp_path / "line.csv").read_text()


def test_a_time_that_two_files_have_is_kept_once_and_counted(tmp_path: Path):
    one = write(tmp_path / "1.json", json.dumps(ookla_result(0, 80.0)))
    two = write(tmp_path / "2.json", json.dumps(ookla_result(0, 90.0)))
    result = imported(one, two, "--to", tmp_path / "line.csv")
    assert "1 samples of download have a time that another file has too" in result.stderr
    assert read_traces(tmp_path / "line.csv")[0].telemetry[:, 0].tolist() == [80.0]


def test_a_link_with_one_series_has_just_its_name(tmp_path: Path):
    tests = [iperf3_test([iperf3_interval(i, rate) for i, rate in enumerate(RATES)])] * 2
    tests[1] = json.loads(json.dumps(tests[1]))
    tests[1]["start"]["timestamp"]["timesecs"] += 60
    files = [write(tmp_path / f"{i}.json", json.dumps(test)) for i, test in enumerate(tests)]
    imported(*files, "--to", tmp_path / "a.parquet", "--link", "fra1 / ams2")
    (trace,) = read_traces(tmp_path / "a.parquet")
    assert (trace.trace_id, len(trace)) == ("fra1___ams2", 12)


def test_times_that_count_from_a_start_are_neither_put_together_nor_reported(tmp_path: Path):
    files = [write(tmp_path / name, SAMPLES["cooked"]()) for name in ("a", "b")]
    with pytest.raises(InvalidTrace, match="2 files have a trace x whose times count from"):
        imported(*files, "--link", "x", "--to", tmp_path / "a.csv")
    with pytest.raises(InvalidTrace, match="Use pba replay"):
        imported(files[0], "--observe", "--url", "http://127.0.0.1:9")


def test_a_step_averages_and_a_unit_is_that_of_names_without_one(tmp_path: Path):
    rows = "".join(f"{at},{8000 + at % 2 * 2000}\n" for at in range(100, 160))
    file = write(tmp_path / "link.csv", f"time,rate\n{rows}")
    imported(file, "--unit", "kbit/s", "--step", "2s", "--to", tmp_path / "a.parquet")
    (trace,) = read_traces(tmp_path / "a.parquet")
    assert np.diff(trace.timestamps_s).tolist() == [2.0] * (len(trace) - 1)
    np.testing.assert_allclose(trace.telemetry[1:-1, 0], 9.0)


def test_the_step_is_that_of_mahimahis_bins(tmp_path: Path):
    file = write(tmp_path / "cell.down", SAMPLES["mahimahi"]())
    imported(file, "--step", "200ms", "--to", tmp_path / "a.parquet")
    assert len(read_traces(tmp_path / "a.parquet")[0]) == 41


@pytest.mark.parametrize("step", ["soon", "0s", "-1s", "1 week"])
def test_a_step_that_is_no_duration_is_refused(tmp_path: Path, step: str):
    file = write(tmp_path / "a", SAMPLES["cooked"]())
    with pytest.raises(InvalidTrace, match="it is a duration such as 200ms"):
        imported(file, "--step", step, "--to", tmp_path / "a.csv")


def test_samples_are_reported_in_parts_and_the_receipts_are_added_up(
    tmp_path: Path, client: type[Client], monkeypatch: pytest.MonkeyPatch
):
    module = importlib.import_module("pba.cli.import_traces")  # its name is the command's too
    monkeypatch.setattr(module, "_SAMPLES_A_CALL", 4)
    file = write(tmp_path / "tests.csv", SAMPLES["speedtest-cli-csv"]())
    result = imported(file, "--link", "home", "--observe")
    assert "home:download: 6 accepted, 2 refused" in result.stdout
    assert list(client.samples) == ["home:download", "home:upload"]
    assert np.diff(client.samples["home:download"]).tolist() == pytest.approx([3600.0] * 5)


def test_a_target_is_needed_and_its_ending_is_checked_before_reading(tmp_path: Path):
    result = imported(tmp_path / "none")
    assert result.exit_code == 2
    assert "--to trace.parquet, or --observe" in result.output
    with pytest.raises(InvalidTrace, match="neither"):
        imported(tmp_path / "none", "--to", "a.txt")


def test_strictly_the_first_fault_is_an_error(tmp_path: Path):
    file = write(tmp_path / "tests.csv", SAMPLES["speedtest-cli-csv"]())
    with pytest.raises(InvalidTrace, match="line 3"):
        imported(file, "--strict", "--to", tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_every_format_is_replayed_as_it_is(run: Run, tmp_path: Path):
    files = [write(tmp_path / f"{name}.log", SAMPLES[name]()) for name in SAMPLES]
    output = tmp_path / "out.jsonl"
    result = run("replay", *files, "--limit", "2", "--output", output)
    assert result.exit_code == 0
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    links = sum(len(read_traces(file)) for file in files)
    assert len(lines) == 2 * links


@pytest.mark.parametrize("name", SAMPLES)
def test_a_forecast_comes_from_a_file_of_every_format(run: Run, tmp_path: Path, name: str):
    result = run("forecast", write(tmp_path / "link", SAMPLES[name]()))
    forecast = json.loads(result.stdout)
    assert 60 <= forecast["bandwidth_mbps"] <= 100 or name == "mahimahi"
    assert result.stderr.startswith("pba: "), "conversions are told"


async def test_imported_samples_are_taken_by_a_service_that_then_forecasts(tmp_path: Path):
    (trace,) = read_traces(write(tmp_path / "run.json", SAMPLES["iperf3"]()))
    history = History(trace.timestamps_s, trace.telemetry)
    (tmp_path / "service").mkdir()
    async with open_in_process(tmp_path / "service", v1=False) as service:
        receipt = await service.client.post(
            "/v1/links/home/samples", json=link_samples_body(history)
        )
        assert receipt.json()["accepted"] == len(RATES)
        forecast = (await service.client.get("/v1/links/home/forecast")).json()
    assert 60 <= forecast["bandwidth_mbps"] <= 100
