"""Samples are exported as traces, one file per day."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pba.store import Store
from pba.telemetry.traces import read_traces
from tests.store.builders import START_S, sample_report, write


def test_samples_are_exported_as_traces_by_day(store: Store, tmp_path: Path):
    midnight = int(86_400 - START_S % 86_400)
    write(store, sample_report("a", midnight - 5, 10, rtt_ms=3.0), sample_report("b", midnight, 4))
    counts: list[int] = []
    assert store.export(tmp_path / "out", counts.append) == 2
    assert sum(counts) == 14
    first, second = sorted((tmp_path / "out").glob("day=*/samples.parquet"))
    assert first.parent.name == "day=2001-09-09"
    traces = {trace.trace_id: trace for trace in read_traces(second)}
    assert {name: len(trace) for name, trace in traces.items()} == {"a": 5, "b": 4}
    assert traces["a"].telemetry[:, :2].tolist() == [[50.0, 3.0]] * 5
    assert np.isnan(traces["b"].telemetry[:, 1:]).all()
    assert len(read_traces(first)[0]) == 5
    assert pq.read_table(second)["mode"].to_pylist() == ["internet"] * 9


def test_marks_are_exported_and_read_as_marks(store: Store, tmp_path: Path):
    marks = np.array([False, True, False])
    write(store, replace(sample_report("a", 0, 3), during_transfer=marks))
    store.export(tmp_path / "out")
    (file,) = (tmp_path / "out").glob("day=*/samples.parquet")
    (trace,) = read_traces(file)
    assert trace.marks.tolist() == [False, True, False]
