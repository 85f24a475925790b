import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from pba.cli import app, main
from pba.cli.options import StoredLink
from pba.client import AsyncPBAClient
from pba.errors import BadArtifact, InvalidTrace, Unavailable
from pba.store import SampleReport, Store, WriteBatch
from pba.telemetry.traces import read_traces
from pba.types import History
from pba.types.profile import PROFILES
from tests.toy import toy_artifact

Run = Callable[..., Result]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for mode in PROFILES:
        toy_artifact(tmp_path / "models" / mode, mode)
    return tmp_path / "models"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.csv"
    lines = ["timestamp_s,bandwidth_mbps,trace_id,split"]
    for name, split, count in (("one", "test", 80), ("two", "train", 70)):
        lines += [f"{at},{50 + np.sin(at):.3f},{name},{split}" for at in range(count)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def run(models: Path) -> Run:
    def call(*words: object) -> Result:
        options = ["--in-process", "--models", str(models)]
        return CliRunner().invoke(app, [*map(str, words), *options], catch_exceptions=False)

    return call


def test_forecast_prints_one_forecast_as_json(run: Run, trace: Path):
    told = json.loads(run("forecast", trace, "--trace-id", "two").stdout)
    assert told["source"] == "model"
    assert told["bandwidth_mbps"] == pytest.approx(50, rel=0.1)


def test_replay_prints_accuracy_coverage_and_latency(run: Run, trace: Path):
    told = run("replay", trace).stdout
    for word in ("last value", "90 %", "p99", "internet model", "internet heuristic"):
        assert word in told


def test_replay_takes_one_split_and_a_limit_and_writes_every_forecast(
    run: Run, trace: Path, tmp_path: Path
):
    path = tmp_path / "out.jsonl"
    run("replay", trace, "--split", "test", "--limit", "65", "--output", path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 65
    assert lines[0]["forecast"]["reasons"] == ["short_history"]
    assert lines[-1]["forecast"]["model_version"] == "toy-1"


def test_replay_takes_as_many_links_as_asked_in_turn_from_each_file(
    run: Run, trace: Path, tmp_path: Path
):
    other, path = tmp_path / "other.csv", tmp_path / "out.jsonl"
    other.write_text("timestamp_s,bandwidth_mbps\n" + "".join(f"{at},9\n" for at in range(9)))
    run("replay", trace, other, "--links", "2", "--limit", "3", "--output", path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["trace_id"] for line in lines] == ["one"] * 3 + ["other"] * 3
    with pytest.raises(InvalidTrace, match="links is 9; there are 3 such traces"):
        run("replay", trace, other, "--links", "9")


def test_the_stored_path_is_of_a_service(run: Run, trace: Path):
    told = run("replay", trace, "--path", "both")
    assert told.exit_code == 2
    assert "Leave out --in-process" in told.output


async def test_a_kept_link_reports_each_sample_once():
    class Client:
        told: ClassVar[list[float]] = []

        async def observe(self, link_id: str, samples: History) -> None:
            assert link_id == "a"
            self.told += samples.timestamps_s.tolist()

    history = History(np.arange(9.0), np.full((9, 5), 0.5))
    kept = StoredLink(cast("AsyncPBAClient", Client()), "a")
    for end in (2, 3, 5, 9):
        await kept.report(history.first(end).last(4))
    assert Client.told == list(range(9))


def test_replay_draws_a_picture(run: Run, trace: Path, tmp_path: Path):
    run("replay", trace, "--trace-id", "one", "--plot", tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_a_trace_that_is_not_there_lists_those_that_are(run: Run, trace: Path):
    with pytest.raises(InvalidTrace, match="one, two"):
        run("replay", trace, "--trace-id", "three")


def test_models_that_are_not_there_are_named(trace: Path, tmp_path: Path):
    words = ["replay", str(trace), "--in-process", "--models", str(tmp_path)]
    with pytest.raises(BadArtifact, match="datacenter"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_a_service_that_is_not_there_tells_how_to_start_it(trace: Path):
    words = ["replay", str(trace), "--url", "http://127.0.0.1:9"]
    with pytest.raises(Unavailable, match="make serve"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_what_pba_refuses_ends_the_command_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["pba", "forecast", "nowhere.csv", "--in-process"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "nowhere.csv" in capsys.readouterr().err


def test_evaluate_writes_a_report_figures_and_pictures(models: Path, tmp_path: Path):
    rng, samples = np.random.default_rng(0), 80
    (tmp_path / "traces" / "internet").mkdir(parents=True)
    rates = 50 * np.exp(np.cumsum(rng.normal(0, 0.1, samples)))
    columns = {
        "timestamp_s": np.arange(1.0, samples + 1),
        "bandwidth_mbps": rates,
        "split": ["test"] * samples,
    }
    pq.write_table(pa.table(columns), tmp_path / "traces" / "internet" / "walk.parquet")
    output = tmp_path / "evaluation"
    toy_artifact(models / "v1", "v1")
    words = ["evaluate", "--traces", tmp_path / "traces", "--models", models, "--output", output]
    options = ["--mode", "internet", "--no-trees"]
    told = CliRunner().invoke(app, [*map(str, words), *options], catch_exceptions=False)
    assert told.exit_code == 0
    assert (output / "report.md").read_text() in told.stdout
    figures = json.loads((output / "evaluation.json").read_text())
    assert figures["versions"] == {"internet": "toy-1"}
    assert figures["internet"]["sets"]["walk"]["moments"] == 20
    assert "v1" in figures["internet"]["pooled"]
    assert {path.name for path in output.glob("*.png")} == {
        "internet-accuracy.png",
        "internet-bands.png",
        "internet-reliability.png",
    }


@pytest.mark.parametrize(
    ("missing", "instead"), [("sklearn", "--no-trees"), ("matplotlib", "--no-plot")]
)
def test_evaluate_says_what_to_install_or_leave_out(
    monkeypatch: pytest.MonkeyPatch, models: Path, missing: str, instead: str
):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == missing else find(name)
    )
    words = ["evaluate", "--traces", "nowhere", "--models", str(models)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 2
    assert instead in told.stderr


def test_export_writes_what_links_reported(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/pba.db"
    store = Store(url, lambda: 2e9).ready()
    store.write(WriteBatch([SampleReport("a", np.array([1e9, 1e9 + 1]), np.full((2, 5), 0.5))]))
    store.close()
    ran = CliRunner().invoke(app, ["export", str(tmp_path / "out"), "--store", url])
    assert ran.output == f"2 samples of 1 days are in {tmp_path / 'out'}.\n"
    (trace,) = read_traces(tmp_path / "out" / "day=2001-09-09" / "samples.parquet")
    assert (trace.trace_id, len(trace)) == ("a", 2)
