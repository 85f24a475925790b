"""Every reader: recognised by content alone, converted to the same rates, private data left out."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from pba.errors import InvalidTrace
from pba.telemetry.importers.contract import all_importers, importer_for
from pba.telemetry.read_report import ReadReport
from pba.telemetry.trace_source import TraceSource
from pba.telemetry.traces import read_trace_file
from pba.types import History
from tests.telemetry.importers.samples import (
    ADDRESS,
    RATES,
    SAMPLES,
    iperf3_interval,
    iperf3_test,
    write,
)

FORMATS = sorted(SAMPLES)


def test_there_is_a_sample_of_every_format_but_the_binary_one():
    assert {importer.name for importer in all_importers()} == {*SAMPLES, "parquet"}


def test_names_are_unique_and_general_readers_come_last():
    importers = all_importers()
    assert len({importer.name for importer in importers}) == len(importers)
    assert [importer.name for importer in importers if importer.general] == ["table"]
    assert importers[-1].name == "table"


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_is_recognised_by_its_own_reader_alone(name: str):
    source = TraceSource(Path("no-ending"), SAMPLES[name]().replace("\r\n", "\n"))
    recognised = [importer.name for importer in all_importers() if importer.recognises(source)]
    assert [one for one in recognised if one != "table"] == ([name] if name != "table" else [])
    assert importer_for(source).name == name


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_has_its_rates_and_is_a_history(tmp_path: Path, name: str):
    file = read_trace_file(write(tmp_path / "link.log", SAMPLES[name]()))
    trace = file.traces[0]
    np.testing.assert_allclose(trace.telemetry[: len(RATES), 0], RATES, rtol=2e-4)
    assert len(History(trace.timestamps_s, trace.telemetry)) >= len(RATES)
    assert file.format_name == name
    assert file.report.notes, "a conversion is told"


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_that_is_returned_holds_a_private_value(tmp_path: Path, name: str):
    file = read_trace_file(write(tmp_path / "link.log", SAMPLES[name]()))
    texts = [*file.report.lines(), *(trace.trace_id for trace in file.traces)]
    assert not [text for text in texts if ADDRESS in text or "speedtest.net" in text]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "gzip"])
def test_encoding_and_compression_do_not_matter(tmp_path: Path, name: str, encoding: str):
    text = SAMPLES[name]()
    content = gzip.compress(text.encode()) if encoding == "gzip" else text.encode(encoding)
    file = read_trace_file(write(tmp_path / "link.gz", content))
    np.testing.assert_allclose(file.traces[0].telemetry[: len(RATES), 0], RATES, rtol=2e-4)


PARTS = ["", "\n", "-", '"', "null", "[]", "1e999", "9" * 400, "9" * 5000, "é,;\t", "\0"]


@given(st.data())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path: Path, data: st.DataObject):
    text = SAMPLES[data.draw(st.sampled_from(FORMATS))]()
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(len(text), start + 40)))
    put = data.draw(
        st.sampled_from(["", "\n", "-", '"', "null", "[]", "1e999", "9" * 400, "9" * 5000, "é,;\t"])
    )
    end = data.draw(st.sampled_from([len(text) * 2, len(text) * 2 // 3]))
    damaged = (text[:start] + put + text[stop:])[:end]
    check_read_or_refused(tmp_path, damaged.encode())


@given(st.binary(max_size=300))
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path: Path, content: bytes):
    check_read_or_refused(tmp_path, content)


VALUES = [None, True, 5, -1, "text", [], {}, [[]], [{}], "2026-03-01T12:00:00Z", 1e400, 10**400]


@given(st.data())
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_document_with_other_types_is_read_or_refused_in_one_line(
    tmp_path: Path, data: st.DataObject
):
    names = ["ndt7", "prometheus", "sabre", "ookla-json", "speedtest-cli-json", "iperf3"]
    lines = SAMPLES[data.draw(st.sampled_from(names))]().splitlines()
    lines.append(
        json.dumps(iperf3_test([iperf3_interval(i, rate) for i, rate in enumerate(RATES)]))
    )
    row = data.draw(st.integers(0, len(lines) - 1))
    lines[row] = json.dumps(replaced(json.loads(lines[row]), data))
    whole = lines[-1:] if data.draw(st.booleans()) else lines[:-1]
    check_read_or_refused(tmp_path, "\n".join(whole).encode())


def replaced(document: object, data: st.DataObject) -> object:
    """Return ``document`` with one part of it replaced by another value."""
    deeper = data.draw(st.integers(0, 5)) > 0
    if isinstance(document, dict | list) and document and deeper:
        keys = list(document) if isinstance(document, dict) else range(len(document))
        key = data.draw(st.sampled_from(list(keys)))
        copy = document.copy()
        copy[key] = replaced(document[key], data)  # type: ignore[index]
        return copy
    return data.draw(st.sampled_from(VALUES))


def check_read_or_refused(folder: Path, content: bytes) -> None:
    path, refusal, traces = write(folder / "damaged", content), f"{folder}/damaged", []
    try:
        traces = read_trace_file(path).traces
    except InvalidTrace as error:
        refusal = str(error)
    assert str(path) in refusal
    assert "\n" not in refusal
    for trace in traces:
        History(trace.timestamps_s, trace.telemetry)


def test_a_format_that_does_not_exist_and_one_that_the_file_is_not_of_are_refused(tmp_path: Path):
    path = write(tmp_path / "a", SAMPLES["cooked"]())
    with pytest.raises(InvalidTrace, match="format is 'cvs'; it is auto or one of .*iperf3"):
        read_trace_file(path, format_name="cvs")
    with pytest.raises(InvalidTrace, match="is not of the format iperf3"):
        read_trace_file(path, format_name="iperf3")


def test_a_private_class_is_no_reader():
    assert all(not type(importer).__name__.startswith("_") for importer in all_importers())
    assert ReadReport(Path("a")).lines() == []


def test_the_page_of_formats_lists_every_format_and_no_other():
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
    section = page.split("## Formats")[1].split("## ")[0]
    listed = re.findall(r"^\| `([\w-]+)` \|", section, re.M)
    assert sorted(listed) == sorted(importer.name for importer in all_importers())
