"""`pba export`, from whatever folder it is called."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deployments.settings import Settings
from deployments.store_factory import open_store
from pba import project
from pba.cli import app
from pba.registry import Registry
from pba.store import SampleReport, Store, WriteBatch
from pba.telemetry.traces import read_traces
from pba.types import NetworkMode
from tests.store.builders import sample_report, stored_forecast, write
from tests.toy import toy_artifact


def test_a_relative_store_and_registry_are_those_of_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(project, "_PROJECT", tmp_path / "project")
    store = open_store(Settings(store_url="sqlite:///data/pba.db"))
    store.write(WriteBatch([SampleReport("a", np.array([1e9]), np.full((1, 5), 0.5))]))
    store.close()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    result = CliRunner().invoke(app, ["export", "out", "--store", "sqlite:///data/pba.db"])
    assert result.output == "1 samples of 1 days are in out.\n"
    folder = toy_artifact(tmp_path / "a", NetworkMode.INTERNET, "a")
    result = CliRunner().invoke(app, ["models", "publish", str(folder)])
    assert "internet a is published" in result.output
    registry = Registry(project.resolve(Settings().registry), lambda: 1e9)
    assert [row["version"] for row in registry.versions("internet")] == ["a"]
    assert sorted(path.name for path in Path().iterdir()) == ["out"]


def test_export_writes_the_stored_samples(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/pba.db"
    store = Store(url, lambda: 2e9).ready()
    store.write(WriteBatch([SampleReport("a", np.array([1e9, 1e9 + 1]), np.full((2, 5), 0.5))]))
    store.close()
    result = CliRunner().invoke(app, ["export", str(tmp_path / "out"), "--store", url])
    assert result.output == f"2 samples of 1 days are in {tmp_path / 'out'}.\n"
    (trace,) = read_traces(tmp_path / "out" / "day=2001-09-09" / "samples.parquet")
    assert (trace.trace_id, len(trace)) == ("a", 2)


def test_forecasts_are_written_where_they_are_no_traces(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/pba.db"
    store = Store(url, lambda: 2e9).ready()
    write(store, sample_report("a", 0, 60), forecasts=[stored_forecast("a", 59)])
    store.close()
    words = ["export", str(tmp_path / "out"), "--store", url, "--forecasts"]
    result = CliRunner().invoke(app, words)
    target = tmp_path / "out" / "forecasts"
    assert f"1 forecasts of 1 days are in {target}." in result.output
    assert [path.parent.parent.name for path in target.glob("day=*/*.parquet")] == ["forecasts"]
    assert len([*(tmp_path / "out").glob("day=*/*.parquet")]) == 1
