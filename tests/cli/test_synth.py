"""`pba synth` writes what `pba replay` and `pba forecast` read."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.errors import InvalidMode, InvalidTrace
from pba.telemetry.synthetic import generate_synthetic_data
from pba.telemetry.traces import read_traces
from pba.types import History
from tests.cli.conftest import Run


def synth(*words: object) -> Result:
    return CliRunner().invoke(app, ["synth", *map(str, words)], catch_exceptions=False)


@pytest.mark.parametrize("name", ["link.csv", "link.parquet"])
def test_the_file_reads_back_as_the_synthetic_samples(tmp_path: Path, name: str):
    path = tmp_path / name
    synth(path, "--mode", "datacenter", "--samples", "40", "--seed", "7")
    (trace,) = read_traces(path)
    samples = generate_synthetic_data("datacenter", 40, np.random.default_rng(7))
    expected = History.of(samples)
    np.testing.assert_array_equal(trace.timestamps_s, expected.timestamps_s)
    np.testing.assert_array_equal(trace.telemetry, expected.telemetry)
    assert trace.trace_id == "link"


def test_the_defaults_are_600_samples_of_an_internet_link(tmp_path: Path):
    path = tmp_path / "link.csv"
    text = synth(path).stdout
    assert f"600 samples of a synthetic internet link are in {path}." in text
    assert f"pba replay {path}" in text
    (trace,) = read_traces(path)
    assert len(trace) == 600
    assert 100 <= trace.telemetry[:, 0].min() <= trace.telemetry[:, 0].max() <= 900


def test_the_same_seed_writes_the_same_file(tmp_path: Path):
    first, second, other = (tmp_path / f"{name}.csv" for name in ("first", "second", "other"))
    for path, seed in ((first, 3), (second, 3), (other, 4)):
        synth(path, "--samples", "5", "--seed", seed)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()


def test_the_trace_replays_and_forecasts(run: Run, tmp_path: Path):
    path, output = tmp_path / "my link.csv", tmp_path / "out.jsonl"
    assert f"pba replay '{path}'" in synth(path, "--samples", "70").stdout
    result = run("replay", path, "--output", output)
    assert result.exit_code == 0
    assert len(output.read_text().splitlines()) == 68
    assert json.loads(run("forecast", path).stdout)["source"] == "model"


@pytest.mark.parametrize("name", ["link.txt", "link"])
def test_another_ending_is_refused_and_nothing_written(tmp_path: Path, name: str):
    with pytest.raises(InvalidTrace, match=r"neither \*\.csv nor \*\.parquet"):
        synth(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_mode_without_synthetic_data_is_refused(tmp_path: Path):
    with pytest.raises(InvalidMode, match="hybrid"):
        synth(tmp_path / "link.csv", "--mode", "hybrid")
