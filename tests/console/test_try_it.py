"""Forecasts of files that are pasted, chosen or dropped."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.client import PBAClient
from pba.telemetry.trace_writer import write_traces
from pba.telemetry.traces import Trace
from tests.console.test_pages import assert_accessible

pytestmark = [pytest.mark.slow]

ROWS = "\n".join(f"{at},{50 + at % 7}" for at in range(90))
TABLE = f"timestamp_s,bandwidth_mbps\n{ROWS}\n"


def test_pasted_measurements_are_forecast_after_any_sample_and_not_stored(
    empty: str, visit: Any, scheme: str
):
    window = visit(empty, scheme)
    window.open("try")
    window.page.get_by_label("Measurements").fill(TABLE)
    window.page.get_by_role("button", name="Forecast").click()
    window.page.locator("figure path.band").first.wait_for()
    assert "Read as table: 1 link" in window.text
    assert "internet: model toy-1" in window.text
    slider = window.page.get_by_role("slider")
    slider.focus()
    slider.press("Home")
    window.page.get_by_text("short_history").wait_for()
    assert "sample 2 of 90" in window.text
    assert_accessible(window)
    assert window.complaints == []
    with PBAClient(empty) as client:
        assert client.links()["links"] == []


def test_a_file_of_several_links_is_read_whatever_its_format(
    empty: str, visit: Any, tmp_path: Path
):
    window = visit(empty)
    window.open("try")
    traces = [Trace(name, "", np.arange(70.0), np.full((70, 5), 20.0)) for name in ("a", "b")]
    write_traces(tmp_path / "both.parquet", traces)
    (tmp_path / "one.csv.gz").write_bytes(gzip.compress(TABLE.encode()))
    for name, words in (("both.parquet", "Read as parquet: 2 links"), ("one.csv.gz", "table: 1")):
        window.page.get_by_label("Or a file").set_input_files(tmp_path / name)
        window.page.get_by_role("button", name="Forecast").click()
        window.page.get_by_text(words).wait_for()
        window.page.locator("figure path.band").first.wait_for()


def test_a_file_that_cannot_be_read_gives_the_importers_error(empty: str, visit: Any):
    window = visit(empty)
    window.open("try")
    window.page.get_by_role("button", name="Forecast").click()
    window.page.get_by_text("There is nothing to read").wait_for()
    window.page.get_by_label("Measurements").fill("once upon a time")
    window.page.get_by_role("button", name="Forecast").click()
    window.page.get_by_text("pasted cannot be read: it starts with 'once upon a time'").wait_for()
