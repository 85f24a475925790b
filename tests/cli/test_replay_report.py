"""The report of a replay over both paths, which only a service can give."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from pba.cli.replay_links import LinkReplay, ReplayLink
from pba.cli.replay_report import print_report
from pba.evaluation.trace_replay import ReplayOutcome
from pba.serving.local_service import LocalService
from pba.telemetry.traces import Trace
from pba.types import History

TIMES = np.arange(1.0, 61.0)
HISTORY = History(TIMES, np.full((60, 5), 0.5))
FORECAST = LocalService({}).forecast(HISTORY)
STATE = {"mode": "internet", "leader": "internet", "mode_switches": 1}


@pytest.fixture
def report() -> str:
    given = ReplayOutcome(FORECAST, 1.0, 0.5, (0.5, 0.5, np.nan), 2.0)
    horizons = tuple(replace(h, confidence=h.confidence / 2) for h in FORECAST.horizons)
    stored = replace(given, forecast=replace(FORECAST, horizons=horizons), latency_ms=7.0)
    trace = Trace("t", "test", TIMES, HISTORY.telemetry)
    replays = [
        LinkReplay(ReplayLink(name, f"replay-7:{name}", trace), [(given, stored)] * 30, STATE)
        for name in ("starlink_iperf_2023", "umn_mmwave_iperf")
    ]
    console = Console(width=80, file=io.StringIO())
    print_report(console, ("given", "stored"), replays)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_report_fits_80_columns(report: str):
    assert "…" not in report
    assert max(map(len, report.splitlines())) <= 80


def test_each_path_has_its_scores_and_latency(report: str):
    assert report.index("given history") < report.index("stored history")
    assert "p50 2.0" in report
    assert "p50 7.0" in report


def test_a_horizon_without_an_actual_has_no_row(report: str):
    rows = [line.split()[:2] for line in report.splitlines() if line.strip()]
    assert ["1", "60"] in rows
    assert ["5", "60"] in rows
    assert not any(row[0] == "15" for row in rows)


def test_the_paths_are_compared(report: str):
    words = " ".join(report.split())
    assert "Of 60 pairs of forecasts" in words
    assert (
        "60 come from the same model or rule in the same mode, and 60 of these are equal in point "
        "and median" in words
    )
    assert f"by {FORECAST.confidence / 2:.3f} on average" in words


def test_links_are_counted_by_set(report: str):
    row = next(line for line in report.splitlines() if line.startswith("umn_mmwave_iperf"))
    assert row.split() == ["umn_mmwave_iperf", "1", "internet", "1", "1", "internet", "1"]
    assert "pba links --begins replay-7" in report
