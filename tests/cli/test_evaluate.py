import importlib.util
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pba.cli import app
from tests.toy import toy_artifact


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """Return a folder with one trace, a random walk of 80 samples."""
    rng, samples = np.random.default_rng(0), 80
    (tmp_path / "traces" / "internet").mkdir(parents=True)
    columns = {
        "timestamp_s": np.arange(1.0, samples + 1),
        "bandwidth_mbps": 50 * np.exp(np.cumsum(rng.normal(0, 0.1, samples))),
        "split": ["test"] * samples,
    }
    pq.write_table(pa.table(columns), tmp_path / "traces" / "internet" / "walk.parquet")
    return tmp_path / "traces"


def test_evaluate_writes_report_figures_and_plots_and_prints_a_summary(
    models: Path, walk: Path, tmp_path: Path
):
    output = tmp_path / "evaluation"
    toy_artifact(models / "v1", "v1")
    words = ["evaluate", "--traces", walk, "--models", models, "--output", output]
    options = ["--mode", "internet", "--no-trees"]
    runner = CliRunner(env={"COLUMNS": "80"})
    result = runner.invoke(app, [*map(str, words), *options], catch_exceptions=False)
    assert result.exit_code == 0

    figures = json.loads((output / "evaluation.json").read_text())
    assert figures["versions"] == {"internet": "toy-1"}
    assert figures["internet"]["sets"]["walk"]["moments"] == 20
    assert "v1" in figures["internet"]["pooled"]
    assert {path.name for path in output.glob("*.png")} == {
        "internet-accuracy.png",
        "internet-bands.png",
        "internet-confident.png",
        "internet-reliability.png",
    }
    assert (output / "report.md").read_text().startswith("# How good the forecasts are")

    scores = figures["internet"]["sets"]["walk"]["scores"]
    row = next(line for line in result.stdout.splitlines() if line.startswith("walk"))
    accuracy = {name: f"{by_steps['1']['accuracy_20']:.3f}" for name, by_steps in scores.items()}
    best = max((name for name in accuracy if name != "pba"), key=accuracy.__getitem__)
    assert row.split() == [
        "walk",
        "20",
        accuracy["pba"],
        accuracy["last_value"],
        best,
        accuracy[best],
    ]
    table = [line for line in result.stdout.splitlines() if str(output) not in line]
    assert max(map(len, table)) <= 80


@pytest.mark.parametrize(
    ("missing", "option"), [("sklearn", "--no-trees"), ("matplotlib", "--no-plot")]
)
def test_evaluate_names_what_to_install_or_leave_out(
    monkeypatch: pytest.MonkeyPatch, models: Path, missing: str, option: str
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == missing else find(name)
    )
    words = ["evaluate", "--traces", "missing", "--models", str(models)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert option in result.stderr


def test_evaluate_prints_its_figures_as_json_on_request(models: Path, walk: Path, tmp_path: Path):
    words = ["evaluate", "--traces", walk, "--models", models, "--output", tmp_path / "evaluation"]
    options = ["--mode", "internet", "--no-trees", "--no-plot", "--json"]
    result = CliRunner().invoke(app, [*map(str, words), *options], catch_exceptions=False)
    written = (tmp_path / "evaluation/evaluation.json").read_text()
    assert json.loads(result.stdout) == json.loads(written)


def test_evaluate_without_v1_says_so(walk: Path, models: Path, tmp_path: Path):
    words = ["evaluate", "--traces", walk, "--models", models, "--output", tmp_path / "out"]
    options = ["--mode", "internet", "--no-trees", "--no-plot"]
    result = CliRunner().invoke(app, [*map(str, words), *options], catch_exceptions=False)
    assert "leaves out v1" in result.stderr
