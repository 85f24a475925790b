"""`pba replay` in process: what it prints and writes, and what it refuses."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pba.cli import app
from pba.errors import BadArtifact, InvalidRequest, InvalidTrace, Unavailable
from tests.cli.conftest import Run


def test_replay_prints_accuracy_coverage_and_latency_in_80_columns(run: Run, trace: Path):
    text = run("replay", trace).stdout
    for words in ("±20 %", "90 %", "p99", "internet heuristic 116, internet model 30"):
        assert words in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_rows_of_replay_are_horizons(run: Run, trace: Path):
    lines = [line.split() for line in run("replay", trace).stdout.splitlines()]
    counts = {line[0]: line[1] for line in lines if line and line[0] in ("1", "5", "15")}
    assert counts == {"1": "146", "5": "138", "15": "118"}


def test_the_report_is_json_on_request(run: Run, trace: Path, tmp_path: Path):
    result = run("replay", trace, "--json", "--output", tmp_path / "out.jsonl")
    report = json.loads(result.stdout)
    assert "Every forecast is in" in result.stderr
    given = report["paths"]["given"]
    assert [row["count"] for row in given["horizons"]] == [146, 138, 118]
    assert given["forecasts"] == {"internet heuristic": 116, "internet model": 30}
    assert given["latency_ms"]["p50"] <= given["latency_ms"]["max"]
    assert report["links"] == []


def test_replay_takes_one_split_and_a_limit_and_writes_every_forecast(
    run: Run, trace: Path, tmp_path: Path
):
    path = tmp_path / "out.jsonl"
    text = run("replay", trace, "--split", "test", "--limit", "65", "--output", path).stdout
    assert "Every forecast is in" in text
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 65
    assert lines[0]["forecast"]["reasons"] == ["short_history"]
    assert lines[-1]["forecast"]["model_version"] == "toy-1"


def test_replay_takes_so_many_links_in_turn_from_each_file(run: Run, trace: Path, tmp_path: Path):
    other, path = tmp_path / "other.csv", tmp_path / "out.jsonl"
    other.write_text("timestamp_s,bandwidth_mbps\n" + "".join(f"{at},9\n" for at in range(9)))
    run("replay", trace, other, "--links", "2", "--limit", "3", "--output", path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["trace_id"] for line in lines] == ["one"] * 3 + ["other"] * 3
    with pytest.raises(InvalidTrace, match="links is 9; there are 3 such traces"):
        run("replay", trace, other, "--links", "9")


def test_the_stored_path_needs_a_service(run: Run, trace: Path):
    result = run("replay", trace, "--path", "both")
    assert result.exit_code == 2
    assert "Leave out --in-process" in result.output


def test_a_trace_that_is_too_short_to_score_is_refused(run: Run, tmp_path: Path):
    path = tmp_path / "short.csv"
    path.write_text("timestamp_s,bandwidth_mbps\n0,9\n1,9\n")
    with pytest.raises(InvalidTrace, match="has 2 samples; a replay needs 3"):
        run("replay", path)


def test_a_short_trace_among_others_is_named_and_the_others_are_replayed(
    run: Run, trace: Path, tmp_path: Path
):
    short = tmp_path / "short.csv"
    short.write_text("timestamp_s,bandwidth_mbps\n0,9\n1,9\n")
    result = run("replay", short, trace, "--limit", "3")
    assert result.exit_code == 0
    assert "1 traces have fewer than 3 samples and are not replayed: short (2)" in result.stderr
    assert "internet heuristic 6" in result.stdout


def test_lines_that_are_left_out_are_counted_on_stderr_and_strictly_refused(
    run: Run, tmp_path: Path
):
    path = tmp_path / "log.csv"
    rows = [f"{at},80\n" for at in range(9)]
    path.write_text("".join(["timestamp_s,bandwidth_mbps\n", *rows, "timed out\n", "9,80\n"]))
    result = run("replay", path)
    assert "1 row left out: the row is 'timed out' in line 11" in result.stderr
    assert "internet heuristic 8" in result.stdout
    with pytest.raises(InvalidTrace, match="line 11: the row is 'timed out'"):
        run("replay", path, "--strict")
    with pytest.raises(InvalidTrace, match="line 11"):
        run("forecast", path, "--strict")


def test_a_plot_leaves_out_traces_that_are_too_short(run: Run, trace: Path, tmp_path: Path):
    short, picture = tmp_path / "short.csv", tmp_path / "picture.png"
    short.write_text("timestamp_s,bandwidth_mbps\n0,9\n")
    result = run("replay", short, trace, "--limit", "3", "--plot", picture)
    assert result.exit_code == 0
    assert picture.is_file()


def test_replay_draws_a_plot(run: Run, trace: Path, tmp_path: Path):
    picture = tmp_path / "picture.png"
    assert "The plot is in" in run("replay", trace, "--trace-id", "one", "--plot", picture).stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_plot_that_cannot_be_drawn_is_refused_before_the_replay(
    run: Run, trace: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(InvalidRequest, match="no image"):
        run("replay", trace, "--plot", "picture.txt")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pba-forecast\[train\]"):
        run("replay", trace, "--plot", "picture.png")


def test_models_that_are_missing_are_named(trace: Path, tmp_path: Path):
    words = ["replay", str(trace), "--in-process", "--models", str(tmp_path)]
    with pytest.raises(BadArtifact, match="datacenter"):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_without_a_service_the_error_says_how_to_start_it(trace: Path):
    words = ["replay", str(trace), "--url", "http://127.0.0.1:9"]
    with pytest.raises(Unavailable, match="pba serve"):
        CliRunner().invoke(app, words, catch_exceptions=False)
